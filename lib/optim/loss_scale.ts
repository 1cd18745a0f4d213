import source from "../../kernels/loss_scale.wgsl" with { type: "text" };
import type { Gpu } from "../gpu/device.ts";
import { Kernel } from "../gpu/kernel.ts";
import type { Tensor } from "../gpu/tensor.ts";
import { wantInteger } from "../ops/shapes.ts";
import { Inspection } from "./inspection.ts";

const kernel = new Kernel("loss_scale", source);

/** Settings of a {@link LossScale}; the defaults are those of PyTorch's GradScaler. */
export interface LossScaleOptions {
  /** The scale of the first step, at least 1. Default: 65536. */
  readonly initial?: number;
  /** After how many steps in a row without overflow the scale doubles. Default: 2000. */
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
 * gradients overflow is skipped and the scale halved; after many steps without, it is doubled. It never falls below 1:
 * gradients that are not finite then are a fault, which its inspection settles. All of it stays on the GPU. Give {@link LossScale.scale} to `gradients` as the upstream, and the whole to `sgd`.
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
  /** What looks for gradients that are not finite. */
  readonly inspection: Inspection;
  readonly #counts: Tensor;
  readonly #interval: number;
  readonly #held = new DisposableStack();

  /**
   * Begins with no step behind it.
   *
   * @param options.inspection What looks for gradients that are not finite. Default: one of its own.
   * @throws {RangeError} If the scale is below 1 or the interval not a whole number.
   */
  constructor(
    private readonly gpu: Gpu,
    { initial = 65536, interval = 2000, inspection }: LossScaleOptions & {
      readonly inspection?: Inspection;
    } = {},
  ) {
    if (!(initial >= 1 && Number.isFinite(initial))) {
      throw new RangeError(
        `Cannot scale the loss: wanted a number of at least 1, found ${initial}`,
      );
    }
    wantInteger(interval, "the interval of a loss scale", { least: 1 });
    const held = this.#held;
    this.#interval = interval;
    this.scale = held.use(gpu.tensor([initial], [], { label: "loss scale" }));
    this.#counts = held.use(gpu.zeros([2], { label: "loss_scale.counts" }));
    this.inspection = inspection ?? held.use(new Inspection(gpu));
  }

  /** Looks for a gradient that is not finite. */
  inspect(gradients: Tensor): void {
    this.inspection.inspect({ gradients: [gradients] });
  }

  /**
   * Ends a step: moves the scale by what was found. What no scale would help is left for the inspection to settle: a
   * loss that is not finite, or gradients that are not where the scale is 1.
   *
   * @returns A scalar: the scale of the step, below zero where the step was skipped.
   */
  update(): Tensor {
    const outcome = this.gpu.empty([], { label: "loss_scale.outcome" });
    kernel.dispatch("update", {
      read: [],
      write: [this.scale, this.#counts, this.inspection.found, outcome],
      constants: { interval: this.#interval, first: this.inspection.firstGradient },
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
    this.#held.dispose();
  }
}
