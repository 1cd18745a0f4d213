import {
  type AdapterDescription,
  describeAdapter,
  requestAdapter,
  requestDevice,
} from "./adapter.ts";
import { Buffers } from "./buffers.ts";
import { type BoundDispatch, type BoundTexels, Compiler, encode } from "./compiler.ts";
import { GpuError, OutOfMemoryError } from "./errors.ts";
import { Failures } from "./failures.ts";
import { boundTensors, type Dispatch } from "./kernel.ts";
import type { DType, StoredArray } from "./dtype.ts";
import { type Layout, sizeOf, storedBytes } from "./layout.ts";
import type { Synchroniser } from "./meeting.ts";
import { Passes } from "./passes.ts";
import { Readback } from "./readback.ts";
import { SizeBuffers } from "./size_buffers.ts";
import { Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";
import { ROW, TEXEL_FORMATS, type TexelType } from "./texels.ts";
import { Tuning } from "./tuning.ts";

/** Options of {@link Gpu.open}. */
export interface GpuOptions {
  /** An adapter to use instead of the default one: another provider's, say. */
  readonly adapter?: GPUAdapter;
  /**
   * The versions of the drivers, which WebGPU does not tell: with others, kernels are tuned anew. Default: what the
   * adapter's name says.
   */
  readonly drivers?: string;
}

/** What a new tensor is, where it is not plain float32 activations. */
export interface TensorOptions {
  /** The name in errors and captures. */
  readonly label?: string;
  /** What one number is. Default: float32. */
  readonly dtype?: DType;
  /** How the numbers lie. Default: `channels`. */
  readonly layout?: Layout;
}

/**
 * A WebGPU device with what Pupil needs around it: labelled buffers, a cache of pipelines, errors that name their
 * kernel, and the recording of programs.
 *
 * @example
 * ```ts
 * import { Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.tensor([1, 2, 3], [3]);
 * assert.deepEqual([...await x.read()], [1, 2, 3]);
 * ```
 */
export class Gpu implements Disposable {
  /** Which variant of its kernels an op runs. */
  readonly tuning: Tuning = new Tuning();
  /** What batch normalisations exchange with other processes; `null` for nothing. */
  synchroniser: Synchroniser | null = null;
  readonly #failures: Failures;
  readonly #compiler: Compiler;
  readonly #buffers: Buffers;
  readonly #readback: Readback;
  readonly #sizes: SizeBuffers | null;
  readonly #constants = new Map<number, Tensor>();
  #recording: { readonly dispatches: Dispatch[]; readonly texels: boolean } | null = null;
  #closed = false;
  #lossReason: string | null = null;

  private constructor(
    /** The device itself, for what Pupil does not wrap. */
    readonly device: GPUDevice,
    /** What the adapter says of itself. */
    readonly adapter: AdapterDescription,
  ) {
    this.#failures = new Failures(device);
    this.#compiler = new Compiler(device, this.#failures);
    this.#buffers = new Buffers(device, this.#failures);
    this.#readback = new Readback(device, { failures: this.#failures, buffers: this.#buffers });
    this.#sizes = adapter.isSoftware ? new SizeBuffers(device) : null;
    device.lost.then(({ message }) => {
      this.#lossReason = message;
      if (!this.#closed) this.#failures.report(new GpuError(`The GPU was lost: ${message}`));
    });
  }

  /**
   * Opens the default adapter with its own limits and those of its features that the kernels use.
   *
   * @throws {GpuError} If no adapter answers, or it gives no device.
   */
  static async open({ adapter, drivers }: GpuOptions = {}): Promise<Gpu> {
    const found = adapter ?? await requestAdapter();
    if (found === null) {
      throw new GpuError(
        "Cannot open a GPU: wanted a WebGPU adapter, found none; `deno task setup` installs a software adapter or names the package",
      );
    }
    const description = describeAdapter(found, { drivers });
    try {
      return new Gpu(await requestDevice(found), description);
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : cause;
      throw new GpuError(`Cannot open ${description.name}: ${reason}`, { cause });
    }
  }

  /** Whether kernels may use subgroup functions; a kernel that does must not be compiled without. */
  get hasSubgroups(): boolean {
    return this.device.features.has("subgroups");
  }

  /** Whether kernels may compute in half precision. */
  get hasHalf(): boolean {
    return this.device.features.has("shader-f16");
  }

  /**
   * Checks that the device computes in half precision.
   *
   * @param action What cannot be done otherwise, as in "train in half precision".
   * @throws {GpuError} If the adapter lacks `shader-f16`.
   */
  wantHalf(action: string): void {
    if (this.hasHalf) return;
    throw new GpuError(
      `Cannot ${action}: wanted an adapter with the feature shader-f16, found ${this.adapter.name} without it`,
    );
  }

  /** Whether the device is gone, by a fault of the driver or because this was closed. */
  get isLost(): boolean {
    return this.#lossReason !== null;
  }

  /** Why the device is gone, as the driver words it; `null` while it is there. */
  get lossReason(): string | null {
    return this.#lossReason;
  }

  /** The number of GPU buffers alive. */
  get bufferCount(): number {
    return this.#buffers.count;
  }

  /** The bytes of all GPU buffers alive. */
  get bufferBytes(): number {
    return this.#buffers.bytes;
  }

  /** Finds out how many of some bytes the GPU has left, by allocating them in parts. */
  async roomFor(bytes: number): Promise<number> {
    return await this.#buffers.roomFor(bytes);
  }

  /** Whether ops are being recorded into a program at the moment. */
  get isRecording(): boolean {
    return this.#recording !== null;
  }

  /** Whether what is being recorded will read tensors through textures. */
  get recordsTexels(): boolean {
    return this.#recording?.texels ?? false;
  }

  /**
   * Makes a tensor from values.
   *
   * @param values The values in C order.
   * @param shape The sizes.
   * @throws {TypeError} If the count of values does not fit the shape.
   */
  tensor(
    values: ArrayLike<number>,
    shape: readonly number[],
    { label = "tensor", ...options }: TensorOptions = {},
  ): Tensor {
    if (values.length !== sizeOf(shape)) {
      throw new TypeError(
        `Cannot make ${label} of shape [${shape.join(", ")}]: wanted ${
          sizeOf(shape)
        } values, found ${values.length}`,
      );
    }
    const tensor = this.zeros(shape, { label, ...options });
    tensor.write(tensor.dtype === "u32" ? Uint32Array.from(values) : Float32Array.from(values));
    return tensor;
  }

  /** Makes a tensor of zeros that outlives any program. */
  zeros(
    shape: readonly number[],
    { label = "zeros", dtype = "f32", layout = "channels" }: TensorOptions = {},
  ): Tensor {
    const bytes = this.#bytesFor(label, { shape, layout, dtype });
    return new Tensor(this, shape, this.#own(label, bytes), dtype, layout);
  }

  /** Makes a tensor for an op to write: an intermediate one while a program is recorded. */
  empty(
    shape: readonly number[],
    { label = "empty", dtype = "f32", layout = "channels" }: TensorOptions = {},
  ): Tensor {
    if (this.#recording !== null) return this.intermediate(shape, { label, dtype, layout });
    const bytes = this.#bytesFor(label, { shape, layout, dtype });
    return new Tensor(this, shape, this.#own(label, bytes), dtype, layout);
  }

  /** Makes a tensor that lives inside a program only, whose plan gives it a place. */
  intermediate(
    shape: readonly number[],
    { label = "intermediate", dtype = "f32", layout = "channels" }: TensorOptions = {},
  ): Tensor {
    const bytes = this.#bytesFor(label, { shape, layout, dtype });
    return new Tensor(this, shape, new Storage(label, bytes), dtype, layout);
  }

  /** A scalar of a fixed value, made once. */
  constant(value: number): Tensor {
    const found = this.#constants.get(value) ??
      this.tensor([value], [], { label: `constant ${value}` });
    this.#constants.set(value, found);
    return found;
  }

  /**
   * Makes a texture for tensors to be read through. Its rows are never a power of two: llvmpipe compiles a pipeline anew
   * for textures that differ in that.
   */
  createTexture(
    label: string,
    { dtype, rows }: { dtype: TexelType; rows: number },
  ): GPUTexture {
    return this.#failures.guard({ action: `allocate ${label}` }, () =>
      this.device.createTexture({
        label,
        size: [ROW, Math.max(3, (rows & (rows - 1)) === 0 ? rows + 1 : rows)],
        format: TEXEL_FORMATS[dtype],
        usage: GPUTextureUsage.STORAGE_BINDING | GPUTextureUsage.COPY_DST,
      }));
  }

  /** Makes a buffer that {@link Gpu.free}, closing, or the garbage collector frees. */
  createBuffer(storage: Storage): void {
    this.#buffers.create(storage);
  }

  #bytesFor(
    label: string,
    stored: { shape: readonly number[]; layout: Layout; dtype: DType },
  ): number {
    if (stored.dtype === "f16") this.wantHalf(`make ${label} of f16 numbers`);
    return storedBytes(stored);
  }

  #own(label: string, bytes: number): Storage {
    const storage = new Storage(label, bytes);
    this.#buffers.create(storage);
    return storage;
  }

  /** Frees the buffer that a storage owns; nothing happens for a slice or an intermediate. */
  free(storage: Storage): void {
    this.#buffers.free(storage);
  }

  /** Writes stored values, padding included, into a storage. */
  upload(storage: Storage, values: StoredArray): void {
    const { buffer, offset } = storage.range;
    const action = `write ${storage.label}`;
    const outOfMemory = () =>
      new OutOfMemoryError(action, values.byteLength, { taken: this.bufferBytes });
    this.#failures.guard(
      { action, outOfMemory },
      () => this.device.queue.writeBuffer(buffer, offset, values),
    );
  }

  /** Fills a storage with zeros. */
  clear(storage: Storage): void {
    const { buffer, offset, size } = storage.range;
    const encoder = this.device.createCommandEncoder({ label: `clear ${storage.label}` });
    encoder.clearBuffer(buffer, offset, size);
    this.device.queue.submit([encoder.finish()]);
  }

  /**
   * Copies tensors of real numbers back to the CPU, all in one wait.
   *
   * @returns The values of each, in C order, without the padding.
   * @throws {GpuError} If a tensor or the GPU was disposed of, or anything before it failed on the GPU.
   */
  async read(tensors: readonly Tensor[]): Promise<Float32Array[]> {
    const integer = tensors.find(({ dtype }) => dtype === "u32");
    if (integer !== undefined) {
      throw new TypeError(
        `Cannot read ${integer.label}: it must hold f32 or f16 numbers, found ${integer.dtype}`,
      );
    }
    if (this.#closed) {
      throw new GpuError(
        `Cannot read ${tensors[0]?.label}: the GPU must be open, found one that was disposed of`,
      );
    }
    const bytes = await this.#readback.read(tensors.map(({ storage }) => storage));
    await this.settled();
    let at = 0;
    return tensors.map((tensor) => {
      const end = at + tensor.storage.bytes;
      const values = tensor.unpack(bytes.slice(at, end));
      at = end;
      return values;
    });
  }

  /** Makes the buffer that {@link Gpu.read} copies through large enough, so that no read has to make another. */
  reserveReadback(bytes: number): void {
    this.#readback.reserve(bytes);
  }

  /** Waits until the errors of everything asked so far are known, and throws the first. */
  async settled(): Promise<void> {
    await this.#failures.settled();
  }

  /** Throws what the GPU has reported so far, once. */
  throwFailure(): void {
    this.#failures.throwFirst();
  }

  /**
   * Collects the dispatches that `build` makes instead of running them.
   *
   * @param options.texels Whether tensors will be read through textures. Default: false.
   */
  record<T>(
    build: () => T,
    { texels = false }: { texels?: boolean } = {},
  ): { result: T; dispatches: readonly Dispatch[] } {
    if (this.#recording !== null) {
      throw new GpuError("Cannot record a program: another is being recorded on this GPU");
    }
    const dispatches: Dispatch[] = [];
    this.#recording = { dispatches, texels };
    try {
      return { result: build(), dispatches };
    } finally {
      this.#recording = null;
    }
  }

  /** Runs a dispatch now, or appends it to the recording. */
  dispatch(dispatch: Dispatch): void {
    this.#check(dispatch);
    if (this.#recording !== null) {
      this.#recording.dispatches.push(dispatch);
      return;
    }
    const encoder = this.device.createCommandEncoder({ label: dispatch.label });
    this.#failures.guard({ action: `run ${dispatch.label}` }, () => {
      const passes = new Passes(encoder, { label: dispatch.label });
      encode(passes, [this.bind(dispatch, this.#sizes?.bind(dispatch))]);
      passes.end();
      this.device.queue.submit([encoder.finish()]);
    });
  }

  #check(dispatch: Dispatch): void {
    const { label, read, write, grid } = dispatch;
    const written = new Set(write.map(({ storage }) => storage.root));
    const both = read.find(({ storage }) => written.has(storage.root));
    if (both !== undefined) {
      throw new GpuError(
        `Cannot dispatch ${label}: a tensor must be either read or written, found ${both.label} in both`,
      );
    }
    const freed = boundTensors(dispatch).find(({ storage }) => storage.isFreed);
    if (freed !== undefined) {
      throw new GpuError(
        `Cannot dispatch ${label}: every tensor must be alive, found ${freed.label}, which was disposed of`,
      );
    }
    const stranger = boundTensors(dispatch).find(({ gpu }) => gpu !== this);
    if (stranger !== undefined) {
      throw new GpuError(
        `Cannot dispatch ${label}: all tensors must be on one GPU, found ${stranger.label} on another`,
      );
    }
    const { maxComputeWorkgroupsPerDimension: most, maxStorageBuffersPerShaderStage: slots } =
      this.device.limits;
    if (grid.some((groups = 1) => !(groups >= 1 && groups <= most))) {
      throw new GpuError(
        `Cannot dispatch ${label}: each grid size must be 1 to ${most}, found [${grid.join(", ")}]`,
      );
    }
    if (read.length + write.length > slots) {
      throw new GpuError(
        `Cannot dispatch ${label}: the adapter binds at most ${slots} buffers, found ${
          read.length + write.length
        }`,
      );
    }
  }

  /** Compiles a dispatch's pipeline, unless that is done, and makes its bind group. */
  bind(dispatch: Dispatch, texels?: BoundTexels): BoundDispatch {
    return this.#compiler.bind(dispatch, texels);
  }

  /** Frees every buffer and the device. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#buffers[Symbol.dispose]();
    this.#readback[Symbol.dispose]();
    this.#sizes?.[Symbol.dispose]();
    this.device.destroy();
  }
}
