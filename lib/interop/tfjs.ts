import source from "../../kernels/pad_channels.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import { type Layout, padded, quadsOf, sizeOf, storedSize } from "../gpu/layout.ts";
import { Storage } from "../gpu/storage.ts";
import { Tensor } from "../gpu/tensor.ts";

const kernel = new Kernel("pad_channels", source);

/** What of a TensorFlow.js tensor is used here. */
export interface TfjsTensor {
  /** What the backend knows its data by. */
  readonly dataId: object;
  /** The sizes. */
  readonly shape: number[];
  /** What one number is. */
  readonly dtype: string;
  /** Gives the data back to TensorFlow.js. */
  dispose(): void;
}

/** What of TensorFlow.js's WebGPU backend is used here. */
export interface TfjsBackend<T extends TfjsTensor> {
  /** The backend's data by id; `resource` is a `GPUBuffer` where the numbers are in one. */
  readonly tensorMap: { get(dataId: object): { readonly resource?: unknown } };
  /** Puts numbers that are still on the CPU into a buffer. */
  uploadToGPU(dataId: object): void;
  /** Opens a command encoder, unless one is open. */
  ensureCommandEncoderReady(): void;
  /** Ends the compute pass, if one is open. */
  endComputePassEncoder(): void;
  /** Submits what has been encoded. */
  submitQueue(): void;
  /** Makes a tensor around a buffer. */
  createTensorFromGPUData(
    data: { buffer: GPUBuffer; zeroCopy: boolean },
    shape: number[],
    dtype: "float32",
  ): T;
}

/** What of TensorFlow.js's module is used here. */
export interface Tfjs<T extends TfjsTensor, B extends TfjsBackend<T>> {
  /** Lets one backend use the kernels of another. */
  copyRegisteredKernels(from: string, to: string): void;
  /** Finds a backend's factory by its name, `null` where there is none. */
  findBackendFactory(name: string): unknown;
  /** Registers a backend. */
  registerBackend(name: string, factory: () => B): boolean;
  /** Chooses a backend. */
  setBackend(name: string): Promise<boolean>;
  /** Copies a part of a tensor. */
  slice(x: T, begin: number[], size: number[]): T;
  /** The same numbers under another shape. */
  reshape(x: T, shape: number[]): T;
}

/** The two modules of TensorFlow.js: `@tensorflow/tfjs` and `@tensorflow/tfjs-backend-webgpu`. */
export interface TfjsModules<T extends TfjsTensor, B extends TfjsBackend<T>> {
  /** The module `@tensorflow/tfjs`. */
  readonly tf: Tfjs<NoInfer<T>, NoInfer<B>>;
  /** The backend's class, of `@tensorflow/tfjs-backend-webgpu`. */
  readonly WebGPUBackend: new (device: GPUDevice) => B & TfjsBackend<T>;
}

function freeName(tf: { findBackendFactory(name: string): unknown }): string {
  let name = "pupil";
  // Found in TensorFlow.js's registry: `null` and, in some versions, `undefined` mean free.
  for (let at = 2; (tf.findBackendFactory(name) ?? null) !== null; at++) name = `pupil-${at}`;
  return name;
}

/**
 * Lets TensorFlow.js compute on a GPU of ours: registers a WebGPU backend of its on our device, chooses it, and gives
 * what carries tensors over. TensorFlow.js is an argument, so Pupil does not depend on it.
 *
 * @throws {Error} If TensorFlow.js refuses the backend.
 * @example
 * ```ts ignore
 * import * as tf from "npm:@tensorflow/tfjs@4.22.0";
 * import { WebGPUBackend } from "npm:@tensorflow/tfjs-backend-webgpu@4.22.0";
 * import { Gpu, shareWithTfjs } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const bridge = await shareWithTfjs(gpu, { tf, WebGPUBackend });
 * const x = gpu.tensor([-1, 2, -3, 4], [1, 4]);
 * const y = bridge.fromTfjs(tf.relu(bridge.toTfjs(x)));
 * assert.deepEqual([...await y.read()], [0, 2, 0, 4]);
 * ```
 */
export async function shareWithTfjs<T extends TfjsTensor, B extends TfjsBackend<T>>(
  gpu: Gpu,
  { tf, WebGPUBackend }: TfjsModules<T, B>,
): Promise<TfjsBridge<T, B>> {
  const backend = new WebGPUBackend(gpu.device);
  const name = freeName(tf);
  tf.copyRegisteredKernels("webgpu", name);
  tf.registerBackend(name, () => backend);
  if (!await tf.setBackend(name)) {
    throw new Error(`Cannot share a GPU with TensorFlow.js: it must take the backend ${name}`);
  }
  return new TfjsBridge(gpu, { tf, backend, name });
}

/** Carries tensors between Pupil and TensorFlow.js on one device; made by {@link shareWithTfjs}. */
export class TfjsBridge<T extends TfjsTensor, B extends TfjsBackend<T>> {
  /** TensorFlow.js's backend on our device. */
  readonly backend: B;
  /** The name that it has there. */
  readonly name: string;
  readonly #tf: Tfjs<T, B>;
  /** Our buffers that TensorFlow.js reads, for as long as it knows of them. */
  readonly #lent = new WeakMap<object, Storage>();

  /** Made by {@link shareWithTfjs}. */
  constructor(
    /** The device. */
    readonly gpu: Gpu,
    { tf, backend, name }: { tf: Tfjs<T, B>; backend: B; name: string },
  ) {
    this.#tf = tf;
    this.backend = backend;
    this.name = name;
  }

  /** Submits what TensorFlow.js has encoded, so that whatever runs here afterwards sees it. */
  flush(): void {
    this.backend.ensureCommandEncoderReady();
    this.backend.endComputePassEncoder();
    this.backend.submitQueue();
  }

  /**
   * Shows a tensor to TensorFlow.js, without a copy where it has a buffer of its own and no padding (channels in
   * multiples of four); otherwise one copy on the GPU is made, which TensorFlow.js owns.
   *
   * Without a copy the buffer stays ours: the result reads it, disposing the result does not free it, and it must not
   * be freed before. It is not freed by the garbage collector while TensorFlow.js has the result. What is written
   * here later is seen there by what TensorFlow.js computes afterwards, but not by `data()` of a result whose values
   * it has once read back, since it keeps those.
   *
   * @param x Float32 numbers, not an intermediate tensor of a program.
   * @returns A tensor of x's shape.
   * @throws {TypeError} If x does not hold float32 numbers.
   * @throws {GpuError} If x is an intermediate tensor of a program.
   */
  toTfjs(x: Tensor): T {
    const { dtype, storage, layout, label } = x;
    if (dtype !== "f32") {
      throw new TypeError(
        `Cannot show ${label} to TensorFlow.js: it must hold f32 numbers, found ${dtype}`,
      );
    }
    const { buffer, offset } = storage.range;
    const shape = [...x.shape];
    const isWhole = offset === 0 && buffer.size === storage.bytes;
    if (isWhole && sizeOf(shape) * 4 === storage.bytes) return this.#lend(storage, buffer, shape);
    const sizes = shape.length === 0 ? [1] : shape;
    const storedSizes = paddedShape(sizes, layout);
    const stored = isWhole
      ? this.#lend(storage, buffer, storedSizes)
      : this.#cut(storage, storedSizes);
    const dense = this.#tf.slice(stored, sizes.map(() => 0), sizes);
    const result = this.#tf.reshape(dense, shape);
    for (const step of [stored, dense]) step.dispose();
    this.flush();
    return result;
  }

  #cut(storage: Storage, sizes: number[]): T {
    const { buffer, offset } = storage.range;
    const all = this.#lend(storage, buffer, [buffer.size / 4]);
    const part = this.#tf.slice(all, [offset / 4], [sizeOf(sizes)]);
    const result = this.#tf.reshape(part, sizes);
    for (const step of [all, part]) step.dispose();
    return result;
  }

  #lend(storage: Storage, buffer: GPUBuffer, shape: number[]): T {
    const lent = this.backend.createTensorFromGPUData({ buffer, zeroCopy: true }, shape, "float32");
    this.#lent.set(lent.dataId, storage);
    return lent;
  }

  /**
   * Shows TensorFlow.js's numbers here, without a copy where they need no padding (channels in multiples of four);
   * otherwise one copy on the GPU is made, which is ours.
   *
   * Without a copy the buffer stays TensorFlow.js's: it is valid here until `y` is disposed there, which gives the
   * buffer to other tensors; freeing the result does nothing.
   *
   * @param y Float32 numbers.
   * @param options.layout How the result is to lie. Default: `channels`.
   * @returns A tensor of y's shape.
   * @throws {TypeError} If y does not hold float32 numbers.
   */
  fromTfjs(y: T, { layout = "channels" }: { layout?: Layout } = {}): Tensor {
    if (y.dtype !== "float32") {
      throw new TypeError(
        `Cannot show a tensor of TensorFlow.js here: it must hold float32 numbers, found ${y.dtype}`,
      );
    }
    this.backend.uploadToGPU(y.dataId);
    this.flush();
    const { resource } = this.backend.tensorMap.get(y.dataId);
    if (!(resource instanceof GPUBuffer)) {
      throw new TypeError(
        "Cannot show a tensor of TensorFlow.js here: its numbers must be in a GPU buffer, found none",
      );
    }
    const shape = [...y.shape];
    const label = "tensor of TensorFlow.js";
    const storage = new Storage(label, resource.size);
    storage.place(resource);
    if (storedSize(shape, layout) * 4 === resource.size) {
      return new Tensor(this.gpu, shape, storage, "f32", layout);
    }
    return this.#pad(new Tensor(this.gpu, [sizeOf(shape)], storage), { shape, layout });
  }

  #pad(dense: Tensor, { shape, layout }: { shape: readonly number[]; layout: Layout }): Tensor {
    const y = this.gpu.empty(shape, { label: "tensor from TensorFlow.js", layout });
    const columns = shape.at(-1) ?? 1;
    const rows = layout === "weights" ? shape.at(-2) ?? 1 : 1;
    const total = y.storage.bytes / 16;
    kernel.dispatch("forward", {
      read: [dense],
      write: [y],
      constants: {
        rows,
        stored_rows: layout === "weights" ? padded(rows) : 1,
        columns,
        quads: quadsOf(columns),
        total,
      },
      grid: gridFor(total, 64),
    });
    return y;
  }
}

/** The shape that the stored numbers have, padding included. */
function paddedShape(shape: readonly number[], layout: Layout): number[] {
  const paddedSizes = layout === "weights" ? 2 : 1;
  const first = shape.length - paddedSizes;
  return shape.map((size, at) => at >= first ? padded(size) : size);
}
