import { OutOfRoomError } from "./errors.ts";
import type { Failures } from "./failures.ts";
import type { Storage } from "./storage.ts";

/** The buffers of a device, each freed when that is asked for, when its storage is garbage, or with all others. */
export class Buffers implements Disposable {
  readonly #alive = new Map<number, GPUBuffer>();
  readonly #ids = new WeakMap<Storage, number>();
  readonly #collected = new FinalizationRegistry<number>((id) => this.#destroy(id));
  #nextId = 0;

  /** Makes buffers on a device and reports to its failures. */
  constructor(private readonly device: GPUDevice, private readonly failures: Failures) {}

  /** The number of buffers alive. */
  get count(): number {
    return this.#alive.size;
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
    const buffer = this.failures.guard(
      { action: `allocate ${storage.label}` },
      () =>
        this.device.createBuffer({
          label: storage.label,
          size: storage.bytes,
          usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
        }),
    );
    const id = this.#nextId++;
    this.#alive.set(id, buffer);
    this.#ids.set(storage, id);
    this.#collected.register(storage, id, storage);
    storage.place(buffer);
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
    this.#alive.get(id)?.destroy();
    this.#alive.delete(id);
  }

  /** Frees every buffer. */
  [Symbol.dispose](): void {
    for (const id of [...this.#alive.keys()]) this.#destroy(id);
  }
}
