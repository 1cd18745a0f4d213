import source from "../../kernels/loss_scale.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { storedQuads, wantInteger } from "../ops/shapes.ts";

const kernel = new Kernel("loss_scale", source);

/** Settings of a {@link LossScale}; the defaults are those of PyTorch's GradScaler. */
export interface LossScaleOptions {
  /** The scale of the first step; 65536 unless told. */
  readonly initial?: number;
  /** After how many steps in a row without overflow the scale doubles; 2000 unless told. */
  readonly interval?: number;
}

/** Where a {@link LossScale} stands. */
export interface LossScaleState {
  /** The factor on the loss. */
  readonly scale: number;
  /** The steps since the scale changed. */
  readonly good: number;
  /** The steps skipped so far. */
  readonly skipped: number;
}

/**
 * Dynamic loss scaling for half precision ({@link https://arxiv.org/abs/1710.03740 | Micikevicius et al. 2018}), as
 * PyTorch's GradScaler: gradients are taken of the scaled loss, so that small ones do not vanish in f16. A step whose
 * gradients overflow is skipped and the scale halved; after many steps without, it is doubled. All of it stays on the
 * GPU. Give {@link LossScale.scale} to `gradients` as the upstream, and the whole to `sgd`.
 *
 * @example
 * ```ts
 * import { Gpu, LossScale } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * using lossScale = new LossScale(gpu, { initial: 1024 });
 * lossScale.inspect(gpu.tensor([1, Infinity], [2]));
 * lossScale.update();
 * assert.deepEqual(await lossScale.read(), { scale: 512, good: 0, skipped: 1 });
 * ```
 */
export class LossScale implements Disposable {
  /** The factor on the loss, a scalar. */
  readonly scale: Tensor;
  /** Whether the gradients inspected since the last update had one that is not finite: one word. */
  readonly found: Tensor;
  readonly #counts: Tensor;
  readonly #interval: number;
  readonly #rooms = new Map<Tensor, Tensor>();

  /**
   * Begins with no step behind it.
   *
   * @throws {RangeError} If the scale is not positive or the interval not a whole number.
   */
  constructor(
    private readonly gpu: Gpu,
    { initial = 65536, interval = 2000 }: LossScaleOptions = {},
  ) {
    if (!(initial > 0 && Number.isFinite(initial))) {
      throw new RangeError(`Cannot scale the loss: wanted a positive number, found ${initial}`);
    }
    wantInteger(interval, "the interval of a loss scale", { least: 1 });
    this.#interval = interval;
    this.scale = gpu.tensor([initial], [], { label: "loss scale" });
    this.found = gpu.zeros([1], { label: "loss_scale.found", dtype: "u32" });
    this.#counts = gpu.zeros([2], { label: "loss_scale.counts" });
  }

  /**
   * A buffer for gradients that nothing else uses, so that its gaps stay zero and no stray number is taken for an
   * overflow.
   *
   * @param flat The parameters' buffer.
   */
  room(flat: Tensor): Tensor {
    const room = this.#rooms.get(flat) ?? this.gpu.zeros(flat.shape, { label: "gradients" });
    this.#rooms.set(flat, room);
    return room;
  }

  /** Looks for a gradient that is not finite. */
  inspect(gradients: Tensor): void {
    const quads = storedQuads(gradients);
    kernel.dispatch("inspect", {
      read: [gradients],
      write: [this.found],
      constants: { quads },
      grid: gridFor(quads, 64),
    });
  }

  /**
   * Ends a step: moves the scale by what was found.
   *
   * @returns A scalar: the scale of the step, below zero where the step was skipped.
   */
  update(): Tensor {
    const outcome = this.gpu.empty([], { label: "loss_scale.outcome" });
    kernel.dispatch("update", {
      read: [],
      write: [this.scale, this.#counts, this.found, outcome],
      constants: { interval: this.#interval },
      grid: [1],
    });
    return outcome;
  }

  /** Copies the state back. */
  async read(): Promise<LossScaleState> {
    const [scales, counts] = await this.gpu.read([this.scale, this.#counts]);
    const [scale = NaN] = scales ?? [];
    const [good = NaN, skipped = NaN] = counts ?? [];
    return { scale, good, skipped };
  }

  /** Overwrites the state. */
  write({ scale, good, skipped }: LossScaleState): void {
    this.scale.write(Float32Array.of(scale));
    this.#counts.write(Float32Array.of(good, skipped));
  }

  /** Frees the buffers. */
  [Symbol.dispose](): void {
    const held = [this.scale, this.found, this.#counts, ...this.#rooms.values()];
    for (const one of held) one[Symbol.dispose]();
  }
}
