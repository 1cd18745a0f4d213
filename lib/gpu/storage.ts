import { GpuError } from "./errors.ts";

const ALIGNMENT = 256;

/** Rounds up to where a part of a buffer may begin, on every device. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

/** The bytes behind a tensor: a buffer of their own, a slice of another storage, or a place that a plan will give. */
export class Storage {
  #buffer: GPUBuffer | null = null;
  #parent: Storage | null = null;
  /** Where these bytes begin in those of the parent, or in the buffer. */
  #offset = 0;
  #isFreed = false;

  /**
   * Describes bytes that have no place yet.
   *
   * @param label What the bytes are, for errors and captures.
   * @param bytes Their number, a multiple of 8.
   */
  constructor(readonly label: string, readonly bytes: number) {}

  /** Whether a plan must still find a place for these bytes. */
  get isPlaceless(): boolean {
    return this.root.#buffer === null;
  }

  /** Whether the buffer of these bytes has been freed. */
  get isFreed(): boolean {
    return this.root.#isFreed;
  }

  /** The storage that owns the buffer: this one, or the one that it is a slice of. */
  get root(): Storage {
    return this.#parent === null ? this : this.#parent.root;
  }

  /** Where these bytes begin in those of the root. */
  get start(): number {
    return this.#parent === null ? 0 : this.#offset + this.#parent.start;
  }

  /** Whether some bytes belong to both. */
  overlaps(other: Storage): boolean {
    return this.root === other.root && this.start < other.start + other.bytes &&
      other.start < this.start + this.bytes;
  }

  /** Gives these bytes a place in a buffer. */
  place(buffer: GPUBuffer, offset = 0): void {
    this.root.#buffer = buffer;
    this.root.#offset = offset;
    this.root.#isFreed = false;
  }

  /** Remembers that the buffer has been freed. */
  markFreed(): void {
    this.root.#isFreed = true;
  }

  /** Takes the place away again, where a plan shares it with other tensors. */
  displace(): void {
    this.root.#buffer = null;
  }

  /** Makes these bytes a part of another storage, from `offset` bytes into it. */
  sliceOf(parent: Storage, offset: number): this {
    this.#parent = parent;
    this.#offset = offset;
    return this;
  }

  /** The range of a buffer that a bind group or a copy names. */
  get range(): { buffer: GPUBuffer; offset: number; size: number } {
    const buffer = this.root.#buffer;
    if (this.isFreed) {
      throw new GpuError(
        `Cannot use ${this.label}: it must be alive, found a tensor that was disposed of`,
      );
    }
    if (buffer === null) {
      throw new GpuError(
        `Cannot use ${this.label} outside its program: it must be an output of the program or live outside it, ` +
          `found an intermediate tensor`,
      );
    }
    return { buffer, offset: this.root.#offset + this.start, size: this.bytes };
  }
}
