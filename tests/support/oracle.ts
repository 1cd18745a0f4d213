import type { Gpu } from "../../lib/gpu/device.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { permute } from "../../lib/weights/permute.ts";
import { type FileTensor, floats, readSafetensors } from "../../lib/weights/safetensors.ts";

const root = new URL("../oracle/", import.meta.url);

/** What cases.json says of one case. */
export interface OracleCase {
  readonly name: string;
  readonly op: string;
  readonly f32_error?: Readonly<Record<string, number>>;
  readonly abs_max?: Readonly<Record<string, number>>;
  readonly [attribute: string]: unknown;
}

/** Numbers that PyTorch computed, by name. */
export class Oracle {
  private constructor(private readonly tensors: ReadonlyMap<string, FileTensor>) {}

  static async open(file: string): Promise<Oracle> {
    return new Oracle((await readSafetensors(new URL(file, root).pathname)).tensors);
  }

  get names(): string[] {
    return [...this.tensors.keys()];
  }

  has(name: string): boolean {
    return this.tensors.has(name);
  }

  #get(name: string): FileTensor {
    const found = this.tensors.get(name);
    if (found === undefined) throw new Error(`Cannot find ${name} in the oracle`);
    return found;
  }

  shape(name: string): readonly number[] {
    return this.#get(name).shape;
  }

  bytes(name: string): Uint8Array {
    return this.#get(name).data;
  }

  /** The numbers in PyTorch's order. */
  raw(name: string): Float32Array {
    return floats(this.#get(name), `read ${name}`);
  }

  labels(name: string): Uint32Array {
    return new Uint32Array(this.#get(name).data.slice().buffer);
  }

  /** Activations as ours: NCHW turned into NHWC, anything else as it is. */
  values(name: string): Float32Array {
    const shape = this.shape(name);
    return shape.length === 4 ? permute(this.raw(name), shape, [0, 2, 3, 1]) : this.raw(name);
  }

  /** Weights as ours: OIHW turned into HWIO, `[outputs, inputs]` likewise. */
  weights(name: string): Float32Array {
    const shape = this.shape(name);
    if (shape.length === 4) return permute(this.raw(name), shape, [2, 3, 1, 0]);
    return permute(this.raw(name), shape, [1, 0]);
  }

  tensor(gpu: Gpu, name: string): Tensor {
    const shape = this.shape(name);
    const [n = 1, c = 1, h = 1, w = 1] = shape;
    return gpu.tensor(this.values(name), shape.length === 4 ? [n, h, w, c] : shape, {
      label: name,
    });
  }

  weightTensor(gpu: Gpu, name: string): Tensor {
    const [o = 1, i = 1, h = 1, w = 1] = this.shape(name);
    return gpu.tensor(this.weights(name), [h, w, i, o], { label: name, layout: "weights" });
  }

  labelTensor(gpu: Gpu, name: string): Tensor {
    const labels = this.labels(name);
    return gpu.tensor(labels, [labels.length], { label: name, dtype: "u32" });
  }
}

/** How far a result of a case may be off: twenty times what PyTorch is in float32, or 1e-5 of the largest. */
export function toleranceOf(at: OracleCase | undefined, name: string): number {
  return Math.max(20 * (at?.f32_error?.[name] ?? 0), 1e-5 * (at?.abs_max?.[name] ?? 0));
}

/** Reads the list of cases of the ops. */
export async function oracleCases(): Promise<readonly OracleCase[]> {
  return JSON.parse(await Deno.readTextFile(new URL("ops/cases.json", root)));
}
