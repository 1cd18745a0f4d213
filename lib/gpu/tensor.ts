import type { Gpu } from "./device.ts";
import type { DType } from "./dtype.ts";
import { type Layout, pack, sizeOf, unpack } from "./layout.ts";
import type { Storage } from "./storage.ts";

/** A vector-Jacobian product: the gradient of the output in, one gradient an input out, `null` where there is none. */
export type Vjp = (dy: Tensor, needs: readonly boolean[]) => readonly (Tensor | null)[];

/** How a tensor came about, kept where a gradient may be asked for. */
export interface Operation {
  /** The op's name, for errors. */
  readonly name: string;
  /** The tensors that it read. */
  readonly inputs: readonly Tensor[];
  /** The fused vector-Jacobian product; its result cannot be differentiated again. */
  readonly vjp: Vjp;
  /** The vector-Jacobian product made of differentiable ops, `null` where there is none. */
  readonly differentiableVjp: Vjp | null;
}

/** An array of numbers on the GPU: activations are NHWC, weights HWIO, a scalar has the shape `[]`. */
export class Tensor {
  /** Whether gradients flow to this tensor. */
  requiresGrad = false;
  /** The op that made this tensor, `null` for a leaf. */
  operation: Operation | null = null;

  /** Made by {@link Gpu.tensor}, {@link Gpu.empty} and the ops, not by hand. */
  constructor(
    /** The device that holds it. */
    readonly gpu: Gpu,
    /** The logical sizes, padding left out. */
    readonly shape: readonly number[],
    /** The bytes. */
    readonly storage: Storage,
    /** What one number is. */
    readonly dtype: DType = "f32",
    /** How the numbers lie in the bytes. */
    readonly layout: Layout = "channels",
  ) {}

  /** What the tensor is called in errors and captures. */
  get label(): string {
    return this.storage.label;
  }

  /** The number of logical elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /**
   * Copies the values back to the CPU, without the padding.
   *
   * @returns The values in C order.
   * @throws {TypeError} If the tensor holds integers.
   * @throws {GpuError} If the tensor, or the program that it is an output of, was disposed of.
   */
  async read(): Promise<Float32Array> {
    const [values] = await this.gpu.read([this]);
    return values ?? new Float32Array();
  }

  /**
   * Overwrites the values.
   *
   * @param values As many numbers as the tensor has elements, in C order; half precision rounds them.
   * @throws {TypeError} If the count or the type differs.
   */
  write(values: Float32Array | Uint32Array): void {
    const wanted = this.dtype === "u32" ? "Uint32Array" : "Float32Array";
    if (
      values.length !== this.size || (values instanceof Uint32Array) !== (this.dtype === "u32")
    ) {
      throw new TypeError(
        `Cannot write ${this.label}: wanted a ${wanted} of ${this.size}, found a ${values.constructor.name} of ${values.length}`,
      );
    }
    this.gpu.upload(this.storage, pack(values, this));
  }

  /** The values of stored bytes, without the padding. */
  unpack(stored: ArrayBuffer): Float32Array {
    const values = this.dtype === "f16" ? new Float16Array(stored) : new Float32Array(stored);
    return unpack(values, this);
  }

  /** Frees the bytes now, where they are this tensor's own. */
  [Symbol.dispose](): void {
    this.gpu.free(this.storage);
  }
}
