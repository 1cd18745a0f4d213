import source from "../../kernels/trial_check.wgsl" with { type: "text" };
import { bytesOf } from "./dtype.ts";
import { Kernel } from "./kernel.ts";
import { storedPlace } from "./layout.ts";
import type { Tensor } from "./tensor.ts";
import type { Trial } from "./tuning.ts";

const kernel = new Kernel("trial_check", source);

/** Places at which results are compared with exact ones. */
const SAMPLES = 64;
/** How many times the plain variant's error another's may be. */
const MOST_TIMES_THE_ERROR = 4;
/** Invocations of a workgroup, and the vec4s that each compares unless there are too many. */
const LANES = 64;
const QUADS = 16;
const MOST_WORKGROUPS = 1024;

/** What results are judged by. */
export interface TrialCheckOptions {
  /** What the call reads, dense. */
  readonly inputs: readonly Float32Array[];
  /** The largest error, as a part of the largest value. */
  readonly tolerance: number;
  /** The op's exact values, `undefined` where it gives none. */
  readonly exact: Trial["exact"];
}

/**
 * Judges what the variants of a call compute: all by the plain one, and by exact values where the op can give them. The
 * results stay on the GPU; one vec4 of each comparison is read back.
 *
 * @example
 * ```ts
 * import { Gpu, TrialCheck } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const options = { inputs: [], tolerance: 0.01, exact: undefined };
 * using check = new TrialCheck(gpu.tensor([1, 2], [2]), options);
 * assert.equal(await check.faultOf(gpu.tensor([1, 2], [2])), null);
 * const fault = await check.faultOf(gpu.tensor([2, 2], [2]));
 * assert.equal(fault, "wrong by 0.50 of the largest value (at most 0.01)");
 * ```
 */
export class TrialCheck implements Disposable {
  readonly #held = new DisposableStack();
  readonly #parts: Tensor;
  readonly #found: Tensor;
  readonly #samples: { readonly places: Tensor; readonly exact: Tensor } | null;

  /**
   * Prepares to judge.
   *
   * @param plain What the plain variant computes; nothing may change it before the last result is judged.
   * @param options What else results are judged by.
   */
  constructor(
    private readonly plain: Tensor,
    private readonly options: TrialCheckOptions,
  ) {
    const { gpu, storage, dtype } = plain;
    const workgroups = Math.ceil(storage.bytes / (4 * bytesOf(dtype) * LANES * QUADS));
    const parts = 2 * Math.min(MOST_WORKGROUPS, workgroups);
    const made = gpu.zeros([parts], { label: "trial_check.parts", dtype: "u32" });
    this.#parts = this.#held.use(made);
    this.#found = this.#held.use(gpu.zeros([2], { label: "trial_check.found" }));
    this.#samples = options.exact === undefined ? null : this.#sample(options.exact);
  }

  #sample(exact: NonNullable<Trial["exact"]>) {
    const { gpu, size } = this.plain;
    const places = placesIn(size);
    const values = exact(this.options.inputs, places);
    const stored = places.map((place) => storedPlace(place, this.plain));
    const shape = [places.length];
    const options = { label: "trial_check.places", dtype: "u32" } as const;
    return {
      places: this.#held.use(gpu.tensor(stored, shape, options)),
      exact: this.#held.use(gpu.tensor(values, shape, { label: "trial_check.exact" })),
    };
  }

  /**
   * Compares a result with the plain variant's.
   *
   * @returns Its largest error as a part of the largest value, and how many times the plain one's its rounding error is,
   * 0 where the op gives no exact values. The next comparison overwrites them.
   */
  compare(result: Tensor): Tensor {
    const [parts, samples] = [this.#parts, this.#samples];
    const read = [result, this.plain];
    kernel.dispatch("compare", { read, write: [parts], grid: [parts.size / 2] });
    kernel.dispatch("finish", {
      read: [...read, parts, samples?.places ?? parts, samples?.exact ?? parts],
      write: [this.#found],
      constants: { samples: samples?.places.size ?? 0 },
      grid: [1],
    });
    return this.#found;
  }

  /**
   * Judges a result.
   *
   * @returns What is wrong with it, `null` if nothing is.
   * @throws {GpuError} If anything before it failed on the GPU.
   */
  async faultOf(result: Tensor): Promise<string | null> {
    const [error = NaN, rounding = NaN] = await this.compare(result).read();
    const { tolerance } = this.options;
    if (!(error <= tolerance)) {
      return `wrong by ${error.toPrecision(2)} of the largest value (at most ${tolerance})`;
    }
    return rounding <= MOST_TIMES_THE_ERROR
      ? null
      : `its rounding error is ${
        rounding.toFixed(1)
      } times the plain one's (at most ${MOST_TIMES_THE_ERROR})`;
  }

  /** Frees its buffers. */
  [Symbol.dispose](): void {
    this.#held.dispose();
  }
}

/** Places spread over a result. */
function placesIn(size: number): number[] {
  const count = Math.min(SAMPLES, size);
  return Array.from({ length: count }, (_, sample) => Math.floor((sample + 0.5) * size / count));
}
