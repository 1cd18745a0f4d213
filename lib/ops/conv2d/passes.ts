import type { Gpu } from "../../gpu/device.ts";
import { bytesOf, type DType } from "../../gpu/dtype.ts";
import { storedSize } from "../../gpu/layout.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Question, Trial } from "../../gpu/tuning.ts";
import { exactForward, exactInputGradient } from "./exact.ts";
import { flopOf, type Geometry } from "./geometry.ts";
import type { ForwardJob, InputGradientJob, Variant, WeightGradientJob } from "./variant.ts";
import { FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT } from "./variants.ts";

/** Which call of a pass. */
interface Call {
  /** The sizes. */
  readonly geometry: Geometry;
  /** What activations and their gradients are stored as. */
  readonly dtype: DType;
}

/** One of the three things that a convolution computes. */
export interface Pass<Job> {
  /** What it is called in a run's configuration. */
  readonly name: string;
  /** The ways to compute it, the plain one, which always fits and suits, last. */
  readonly variants: readonly Variant<Job>[];
  /** Makes up a call to compare the variants on. */
  readonly makeUp: (gpu: Gpu, call: Call) => {
    readonly inputs: readonly Tensor[];
    readonly begin: () => { readonly job: Job; readonly output: Tensor };
    readonly exact?: NonNullable<Trial["exact"]>;
  };
}

const NONE = new Float32Array();

/** The convolution itself. */
export const forwardPass: Pass<ForwardJob> = {
  name: "conv2d.forward",
  variants: FORWARD,
  makeUp(gpu, { geometry, dtype }) {
    const x = gpu.empty(geometry.x, { label: "conv2d.x", dtype });
    const w = gpu.empty(geometry.w, { label: "conv2d.w", layout: "weights" });
    const begin = () => {
      const y = gpu.empty(geometry.y, { label: "conv2d.y", dtype });
      return { job: { geometry, x, w, bias: null, y }, output: y };
    };
    const exact: Trial["exact"] = ([x = NONE, w = NONE], places) =>
      exactForward(geometry, { x, w, places });
    return { inputs: [x, w], begin, exact };
  },
};

/** The gradient of what is convolved. */
export const inputGradientPass: Pass<InputGradientJob> = {
  name: "conv2d.input_gradient",
  variants: INPUT_GRADIENT,
  makeUp(gpu, { geometry, dtype }) {
    const dy = gpu.empty(geometry.y, { label: "conv2d.dy", dtype });
    const w = gpu.empty(geometry.w, { label: "conv2d.w", layout: "weights" });
    const begin = () => {
      const dx = gpu.empty(geometry.x, { label: "conv2d.dx", dtype });
      return { job: { geometry, dy, w, dx }, output: dx };
    };
    const exact: Trial["exact"] = ([dy = NONE, w = NONE], places) =>
      exactInputGradient(geometry, { dy, w, places });
    return { inputs: [dy, w], begin, exact };
  },
};

/** The gradient of the weights; no variant trades accuracy for speed, so none gives exact values. */
export const weightGradientPass: Pass<WeightGradientJob> = {
  name: "conv2d.weight_gradient",
  variants: WEIGHT_GRADIENT,
  makeUp(gpu, { geometry, dtype }) {
    const x = gpu.empty(geometry.x, { label: "conv2d.x", dtype });
    const dy = gpu.empty(geometry.y, { label: "conv2d.dy", dtype });
    const begin = () => {
      const dw = gpu.empty(geometry.w, { label: "conv2d.dw", layout: "weights" });
      return { job: { geometry, x, dy, dw }, output: dw };
    };
    return { inputs: [x, dy], begin };
  },
};

/** Two results that differ by one rounding to half precision, of a thousandth, are both right. */
const HALF_TOLERANCE = 2e-3;

function withBatch({ x, y, ...rest }: Geometry, batch: number): Geometry {
  return { ...rest, x: [batch, x[1], x[2], x[3]], y: [batch, y[1], y[2], y[3]] };
}

/**
 * Words what a pass asks the tuning: its family names the sizes of the forward convolution, for the gradients as well.
 *
 * @param pass The pass.
 * @param geometry The sizes.
 * @param dtype What activations are stored as.
 */
export function questionOf<Job>(
  gpu: Gpu,
  { pass, geometry, dtype }: Call & { pass: Pass<Job> },
): Question {
  const { x: [batch, height, width, inputs], w, stride, padding } = geometry;
  const fitting = pass.variants.filter(({ fits }) => fits(gpu, geometry));
  const quick = fitting.filter(({ isForSoftware }) => gpu.adapter.isSoftware || !isForSoftware);
  const names = (some: readonly Variant<Job>[]) => some.map(({ name }) => name).reverse();
  return {
    family: `${pass.name} ${w[0]}x${
      w[1]
    } s${stride} p${padding} [*, ${height}, ${width}, ${inputs}] -> ${w[3]} ${dtype}`,
    batch,
    variants: names(fitting),
    quick: names(quick),
    fallback: fitting.find(({ suits }) => suits(gpu, geometry))?.name ?? "plain",
    kernels: fitting.flatMap(({ kernels }) => kernels),
    flop: flopOf(geometry),
    imageBytes: bytesOf(dtype) *
      (storedSize(geometry.x, "channels") + storedSize(geometry.y, "channels")) / batch,
    ...(dtype === "f16" ? { tolerance: HALF_TOLERANCE } : {}),
    trial: (images): Trial => {
      const { begin, ...call } = pass.makeUp(gpu, {
        geometry: withBatch(geometry, images),
        dtype,
      });
      const run = (name: string) => {
        const { job, output } = begin();
        pass.variants.find((variant) => variant.name === name)?.run(job);
        return output;
      };
      return { ...call, run };
    },
  };
}

/** Runs the variant that the tuning chooses. */
export function runPass<Job extends { readonly geometry: Geometry }>(
  gpu: Gpu,
  { pass, job, dtype }: { pass: Pass<Job>; job: Job; dtype: DType },
): void {
  const name = gpu.tuning.choose(questionOf(gpu, { pass, geometry: job.geometry, dtype }));
  pass.variants.find((variant) => variant.name === name)?.run(job);
}
