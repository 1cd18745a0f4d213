import {
  chooseVariants,
  conv2d,
  createArena,
  type Gpu,
  gradients,
  Program,
  type RealType,
  storedBytes,
  type Tensor,
  watch,
} from "../../mod.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { Draws } from "../../lib/random.ts";
import { type Convolution, nameOf, outputSide } from "./convolutions.ts";
import type { Pass } from "./rows.ts";

/** The three passes of a convolution, each recorded alone, with their inputs. */
export interface ConvolutionPrograms extends Disposable {
  readonly programs: Readonly<Record<Pass, Program<Tensor>>>;
  /** Which variant of our kernels each pass runs; null where there is no choice. */
  readonly variants: Readonly<Record<Pass, string | null>>;
  /** Images, `[batch, side, side, inputs]`. */
  readonly x: Tensor;
  /** Weights, `[kernel, kernel, inputs, outputs]`. */
  readonly w: Tensor;
  /** The gradient of the output. */
  readonly dy: Tensor;
  /** The least bytes that a pass moves: two of its three tensors read, one written. */
  readonly bytes: number;
}

function random(shape: readonly number[], seed: number): Float32Array {
  const draws = new Draws(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: size }, () => draws.between(-1, 1));
}

/** Records the passes of a convolution on random numbers, the weights in an arena as those of a network. */
export async function recordConvolution(
  gpu: Gpu,
  convolution: Convolution,
  { batch, dtype = "f32", autotune }: {
    batch: number;
    dtype?: RealType;
    autotune?: Autotune | undefined;
  },
): Promise<ConvolutionPrograms> {
  const { kernel, inputs, outputs, side, stride, padding } = convolution;
  const after = outputSide(convolution);
  const shapes = {
    x: [batch, side, side, inputs],
    w: [kernel, kernel, inputs, outputs],
    dy: [batch, after, after, outputs],
  };
  const { tensors: [w], whole } = createArena(gpu, {
    label: "weights",
    entries: [{ label: "w", shape: shapes.w, layout: "weights" }],
  });
  if (w === undefined) throw new Error("Cannot make weights: the arena is empty");
  w.write(random(shapes.w, 1));
  w.requiresGrad = true;
  const x = watch(gpu.tensor(random(shapes.x, 2), shapes.x, { label: "x", dtype }));
  const dy = gpu.tensor(random(shapes.dy, 3), shapes.dy, { label: "dy", dtype });
  const forward = () => conv2d(x, w, { stride, padding });
  const gradient = (of: Tensor) => () => {
    const [found] = gradients(forward(), [of], { upstream: dy });
    if (found === undefined) throw new Error("Cannot differentiate: there is no gradient");
    return found;
  };
  const builds = {
    "forward": forward,
    "input gradient": gradient(x),
    "weight gradient": gradient(w),
  };
  const rehearsals = Object.values(builds).map((build) => () => void build());
  const chosen = await chooseVariants(gpu, { rehearsals, autotune }) ?? {};
  const record = (pass: Pass) =>
    Program.record(gpu, {
      label: `${nameOf(convolution)} ${pass}`,
      build: () => gpu.tuning.with(chosen, builds[pass]),
    });
  const programs = {
    "forward": await record("forward"),
    "input gradient": await record("input gradient"),
    "weight gradient": await record("weight gradient"),
  };
  const variantOf = (op: string) =>
    Object.entries(chosen).find(([family]) => family.startsWith(`${op} `))?.[1] ?? null;
  return {
    programs,
    variants: {
      "forward": variantOf("conv2d.forward"),
      "input gradient": variantOf("conv2d.input_gradient"),
      "weight gradient": variantOf("conv2d.weight_gradient"),
    },
    x,
    w,
    dy,
    bytes: [x, w, dy].reduce((sum, tensor) => sum + storedBytes(tensor), 0),
    [Symbol.dispose]() {
      for (const held of [...Object.values(programs), x, dy, whole]) held[Symbol.dispose]();
    },
  };
}
