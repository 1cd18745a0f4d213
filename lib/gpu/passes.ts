/** Compute passes of one encoder, one after the other: a single one, unless something is copied in between. */
export class Passes {
  #pass: GPUComputePassEncoder | null = null;
  #begun = 0;

  /** Describes the passes; none begins before it is needed. */
  constructor(
    private readonly encoder: GPUCommandEncoder,
    private readonly descriptor: GPUComputePassDescriptor,
  ) {}

  /** The pass that is open, a new one where there is none. */
  get open(): GPUComputePassEncoder {
    return this.#pass ??= this.encoder.beginComputePass(this.#next());
  }

  /** The first pass notes when it begins, and each when it ends: the last one's time stays. */
  #next(): GPUComputePassDescriptor {
    const { timestampWrites: stamps, ...descriptor } = this.descriptor;
    if (this.#begun++ === 0 || stamps === undefined) return this.descriptor;
    const { beginningOfPassWriteIndex: _, ...end } = stamps;
    return { ...descriptor, timestampWrites: end };
  }

  /** Ends the pass that is open, and returns the encoder to copy with. */
  between(): GPUCommandEncoder {
    this.#pass?.end();
    this.#pass = null;
    return this.encoder;
  }

  /** Ends the last pass; there is one in any case. */
  end(): void {
    if (this.#begun === 0) void this.open;
    this.between();
  }
}
