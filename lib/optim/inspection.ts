import source from "../../kernels/inspection.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { storedQuads } from "../ops/shapes.ts";

const kernel = new Kernel("inspection", source);

/** What an {@link Inspection} looks at beside the loss. */
export interface Inspected {
  /** The running statistics in one buffer, which a step with a fault leaves as they were. Default: none. */
  readonly statistics?: Tensor;
  /** Whether nothing is changed any more after a fault. Default: false. */
  readonly stops?: boolean;
}

/**
 * Looks whether the numbers of a step are finite, by their bits and on the GPU, so that a step in which one is not can
 * change nothing. What it looks at is numbered in vec4s, their places: the loss is place 0, the running statistics come
 * next, then the gradients.
 *
 * @example
 * ```ts
 * import { Gpu, Inspection } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using inspection = new Inspection(gpu);
 * inspection.inspect({ loss: gpu.tensor([NaN], []) });
 * assert.deepEqual([...await inspection.settle().read()], [1]); // place 0 and 1
 * inspection.inspect({ loss: gpu.tensor([2], []) });
 * assert.deepEqual([...await inspection.settle().read()], [0]);
 * ```
 */
export class Inspection implements Disposable {
  /** One word: zero, or the complement of the first place that has a number that is not finite. */
  readonly found: Tensor;
  /** The place of the first gradient. */
  readonly firstGradient: number;
  readonly #statistics: Tensor;
  readonly #kept: Tensor;
  readonly #stops: boolean;
  readonly #rooms = new Map<Tensor, Tensor>();
  readonly #held = new DisposableStack();

  /** Begins with nothing found. */
  constructor(private readonly gpu: Gpu, { statistics, stops = false }: Inspected = {}) {
    const held = this.#held;
    this.found = held.use(gpu.zeros([1], { label: "inspection.found", dtype: "u32" }));
    this.#statistics = statistics ?? held.use(gpu.zeros([1], { label: "no statistics" }));
    this.#kept = held.use(gpu.zeros(this.#statistics.shape, { label: "inspection.kept" }));
    this.#stops = stops;
    this.firstGradient = 1 + storedQuads(this.#statistics);
  }

  /**
   * A buffer for gradients that nothing else uses, so that its gaps stay zero and no stray number is taken for one that
   * is not finite.
   *
   * @param flat The parameters' buffer.
   */
  room(flat: Tensor): Tensor {
    const made = this.#rooms.get(flat);
    if (made !== undefined) return made;
    const room = this.#held.use(this.gpu.zeros(flat.shape, { label: "gradients" }));
    this.#rooms.set(flat, room);
    return room;
  }

  /**
   * Keeps the running statistics as they are before a step, which puts them back where it has a fault.
   *
   * @param encoder What the step is encoded into after it.
   */
  keep(encoder: GPUCommandEncoder): void {
    const { range: from } = this.#statistics.storage;
    const { range: to } = this.#kept.storage;
    encoder.copyBufferToBuffer(from.buffer, from.offset, to.buffer, to.offset, to.size);
  }

  /**
   * Looks for numbers that are not finite.
   *
   * @param what.loss The loss, a scalar.
   * @param what.gradients Buffers of gradients, whose places follow each other; with the first of them, the running
   * statistics are looked at too.
   */
  inspect({ loss, gradients = [] }: { loss?: Tensor; gradients?: readonly Tensor[] }): void {
    let first = this.firstGradient;
    const parts = gradients.length === 0 ? [undefined] : gradients;
    for (const [at, part] of parts.entries()) {
      const quads = part !== undefined && at === 0 ? storedQuads(this.#statistics) : 0;
      const constants = {
        losses: loss === undefined || at > 0 ? 0 : 1,
        quads,
        gradients: part === undefined ? 0 : storedQuads(part),
        first,
      };
      kernel.dispatch("inspect", {
        read: [loss ?? this.#statistics, this.#statistics, part ?? this.#statistics],
        write: [this.found],
        constants,
        grid: gridFor(Math.max(1, quads, constants.gradients), 64),
      });
      first += constants.gradients;
    }
  }

  /**
   * Ends a step: where something was found, puts the running statistics back as they were kept.
   *
   * @returns A scalar: the first place with a number that is not finite, counted from 1, and 0 for none.
   */
  settle(): Tensor {
    const fault = this.gpu.empty([], { label: "inspection.fault" });
    kernel.dispatch("settle", {
      read: [this.#kept],
      write: [this.#statistics, this.found, fault],
      constants: { quads: storedQuads(this.#statistics), stops: this.#stops ? 1 : 0 },
      grid: [1],
    });
    return fault;
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    this.#held.dispose();
  }
}
