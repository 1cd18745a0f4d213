import type { Buffers } from "./buffers.ts";
import { OutOfMemoryError } from "./errors.ts";
import type { Failures } from "./failures.ts";
import type { Storage } from "./storage.ts";

/** Copies storages back to the CPU, through one buffer that grows as it must. */
export class Readback implements Disposable {
  #staging: GPUBuffer | null = null;

  /** Reads from a device, beside whose buffers the one to read through must find memory, and reports to its failures. */
  constructor(
    private readonly device: GPUDevice,
    private readonly options: { readonly failures: Failures; readonly buffers: Buffers },
  ) {}

  /** Makes the buffer large enough, so that no read of as many bytes has to make another. */
  reserve(bytes: number): void {
    this.#staging = this.#take(bytes);
  }

  /**
   * Copies the bytes of storages, all in one wait.
   *
   * @returns The bytes of one after the other.
   * @throws {OutOfMemoryError} If there is no memory to read through.
   */
  async read(storages: readonly Storage[]): Promise<ArrayBuffer> {
    const ranges = storages.map(({ range }) => range);
    const total = ranges.reduce((sum, { size }) => sum + size, 0);
    const staging = this.#take(total);
    const encoder = this.device.createCommandEncoder({ label: "read back" });
    let at = 0;
    for (const { buffer, offset, size } of ranges) {
      encoder.copyBufferToBuffer(buffer, offset, staging, at, size);
      at += size;
    }
    this.device.queue.submit([encoder.finish()]);
    try {
      await staging.mapAsync(GPUMapMode.READ, 0, total);
    } catch (error) {
      // A buffer that could not be made is invalid: why is said first.
      await this.options.failures.settled();
      throw error;
    }
    const bytes = staging.getMappedRange(0, total).slice(0);
    staging.unmap();
    this.#staging?.destroy();
    this.#staging = staging;
    return bytes;
  }

  /** Takes the buffer, so that a read beside this one makes its own. */
  #take(bytes: number): GPUBuffer {
    const kept = this.#staging;
    this.#staging = null;
    if (kept !== null && kept.size >= bytes) return kept;
    kept?.destroy();
    const { failures, buffers: { bytes: taken } } = this.options;
    const action = "read tensors back";
    const outOfMemory = () => new OutOfMemoryError(action, bytes, { taken });
    return failures.guard({ action, outOfMemory }, () =>
      this.device.createBuffer({
        label: "staging",
        size: bytes,
        usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
      }));
  }

  /** Frees the buffer. */
  [Symbol.dispose](): void {
    this.#staging?.destroy();
  }
}
