import type { BoundTexels } from "./compiler.ts";
import type { Dispatch } from "./kernel.ts";
import { sizesOf } from "./texels.ts";

/**
 * The sizes of dispatches that run one by one, in uniform buffers: on a software adapter, where a pipeline takes longer
 * to compile than most such dispatches to run, all shapes then share one. A program's pipelines know their sizes, unless
 * it reads textures.
 */
export class SizeBuffers implements Disposable {
  readonly #buffers = new Map<string, GPUBuffer>();

  /** Makes each buffer when it is first needed. */
  constructor(private readonly device: GPUDevice) {}

  /** The sizes of a dispatch, where its kernel takes them so. */
  bind(dispatch: Dispatch): BoundTexels | undefined {
    if (dispatch.kernel.sizes.length === 0) return undefined;
    const sizes = sizesOf(dispatch);
    const key = sizes.join();
    const buffer = this.#buffers.get(key) ?? this.#make(sizes);
    this.#buffers.set(key, buffer);
    return { views: new Map(), numbers: { buffer }, copies: [] };
  }

  #make(sizes: Uint32Array<ArrayBuffer>): GPUBuffer {
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ label: "sizes", size: sizes.byteLength, usage });
    this.device.queue.writeBuffer(buffer, 0, sizes);
    return buffer;
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    for (const buffer of this.#buffers.values()) buffer.destroy();
  }
}
