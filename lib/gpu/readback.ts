import type { Storage } from "./storage.ts";

/** Copies storages back to the CPU, through one buffer that grows as it must. */
export class Readback implements Disposable {
  #staging: GPUBuffer | null = null;

  /** Reads from a device. */
  constructor(private readonly device: GPUDevice) {}

  /** Makes the buffer large enough, so that no read of as many bytes has to make another. */
  reserve(bytes: number): void {
    this.#staging = this.#take(bytes);
  }

  /**
   * Copies the bytes of storages, all in one wait.
   *
   * @returns The bytes of one after the other.
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
    await staging.mapAsync(GPUMapMode.READ, 0, total);
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
    return this.device.createBuffer({
      label: "staging",
      size: bytes,
      usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
    });
  }

  /** Frees the buffer. */
  [Symbol.dispose](): void {
    this.#staging?.destroy();
  }
}
