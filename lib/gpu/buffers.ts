import { OutOfMemoryError, OutOfRoomError } from "./errors.ts";
import type { Failures } from "./failures.ts";
import type { Storage } from "./storage.ts";

/** Of how many parts a memory is, where it is found out how much of it there is. */
const PARTS = 64;

/** The buffers of a device, each freed when that is asked for, when its storage is garbage, or with all others. */
export class Buffers implements Disposable {
  readonly #alive = new Map<number, GPUBuffer>();
  #bytes = 0;
  readonly #ids = new WeakMap<Storage, number>();
  readonly #collected = new FinalizationRegistry<number>((id) => this.#destroy(id));
  #nextId = 0;

  /** Makes buffers on a device and reports to its failures. */
  constructor(private readonly device: GPUDevice, private readonly failures: Failures) {}

  /** The number of buffers alive. */
  get count(): number {
    return this.#alive.size;
  }

  /** The bytes of them all. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Gives a storage a buffer of its own, all zeros.
   *
   * @throws {OutOfRoomError} If it is larger than the device's buffers.
   */
  create(storage: Storage): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const limit = Math.min(maxBufferSize, maxStorageBufferBindingSize);
    if (storage.bytes > limit) throw new OutOfRoomError(storage.label, storage.bytes, limit);
    const [action, id, taken] = [`allocate ${storage.label}`, this.#nextId++, this.#bytes];
    this.#bytes += storage.bytes;
    const buffer = this.failures.guard(
      {
        action,
        forget: () => this.#destroy(id),
        outOfMemory: () => new OutOfMemoryError(action, storage.bytes, { taken }),
      },
      () =>
        this.device.createBuffer({
          label: storage.label,
          size: storage.bytes,
          usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        }),
    );
    this.#alive.set(id, buffer);
    this.#ids.set(storage, id);
    this.#collected.register(storage, id, storage);
    storage.place(buffer);
  }

  /**
   * Finds out how much of some memory the GPU has left, by allocating a part of it after the other.
   *
   * @param bytes The memory that is wanted.
   */
  async roomFor(bytes: number): Promise<number> {
    const size = 4 * Math.ceil(bytes / PARTS / 4);
    const parts: GPUBuffer[] = [];
    let isFull = false;
    while (!isFull && parts.length * size < bytes) {
      this.device.pushErrorScope("out-of-memory");
      parts.push(this.device.createBuffer({ size, usage: GPUBufferUsage.STORAGE }));
      isFull = await this.device.popErrorScope() !== null;
    }
    for (const part of parts) part.destroy();
    return Math.min(bytes, (parts.length - (isFull ? 1 : 0)) * size);
  }

  /** Frees the buffer that a storage owns; nothing happens for a slice or an intermediate. */
  free(storage: Storage): void {
    const id = this.#ids.get(storage);
    if (id === undefined) return;
    this.#collected.unregister(storage);
    storage.markFreed();
    this.#destroy(id);
  }

  #destroy(id: number): void {
    const buffer = this.#alive.get(id);
    if (buffer === undefined) return;
    this.#bytes -= buffer.size;
    buffer.destroy();
    this.#alive.delete(id);
  }

  /** Frees every buffer. */
  [Symbol.dispose](): void {
    for (const id of [...this.#alive.keys()]) this.#destroy(id);
  }
}
