import type { Gpu } from "../../lib/gpu/device.ts";
import { gridFor, Kernel } from "../../lib/gpu/kernel.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import type { Question, Trial } from "../../lib/gpu/tuning.ts";

const LANES = 64;

function kernelOf(name: string, body: string): Kernel {
  return new Kernel(
    name,
    `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(${LANES})
fn double(@builtin(global_invocation_id) id: vec3u) {
  let at = id.x;
  if (at < arrayLength(&y)) { ${body} }
}
`,
  );
}

const KERNELS: Readonly<Record<string, Kernel>> = {
  plain: kernelOf("plain", "y[at] = 2.0 * x[at];"),
  twin: kernelOf("twin", "y[at] = x[at] + x[at];"),
  slow: kernelOf(
    "slow",
    "var sum = 0.0; for (var i = 0u; i < 400u; i++) { sum += x[(at + i) % arrayLength(&x)]; }" +
      "y[at] = 2.0 * x[at] + 1e-30 * sum;",
  ),
  wrong: kernelOf("wrong", "y[at] = select(2.0 * x[at], x[at], at + 1 == arrayLength(&y));"),
  undefined: kernelOf("undefined", "y[at] = bitcast<f32>(0x7fc00000u | (at & 1u));"),
  broken: kernelOf("broken", "y[at] = twice(x[at]);"),
  greedy: kernelOf("greedy", "y[at] = 2.0 * x[at] + 0.0;"),
};

function dispatch(variant: string, x: Tensor): Tensor {
  const y = x.gpu.empty(x.shape, { label: "doubled" });
  const grid = variant === "greedy" ? [100_000] as const : gridFor(y.storage.bytes / 4, LANES);
  KERNELS[variant]?.dispatch("double", { read: [x], write: [y], grid });
  return y;
}

/** An op that doubles numbers, and asks which of its kernels to run: right ones, wrong ones and ones that fail. */
export function doublingOf(
  gpu: Gpu,
  { variants, fallback = "plain", batch = 8, size = 2048, flop = 1, tolerance }: {
    variants: readonly string[];
    fallback?: string;
    batch?: number;
    size?: number;
    flop?: number;
    tolerance?: number;
  },
): Question {
  return {
    family: `double [*, ${size}] f32`,
    batch,
    variants,
    fallback,
    flop,
    imageBytes: 8 * size,
    ...(tolerance === undefined ? {} : { tolerance }),
    kernels: variants.flatMap((variant) => KERNELS[variant] ?? []),
    trial: (images): Trial => {
      const x = gpu.empty([images, size], { label: "made up" });
      return { inputs: [x], run: (variant) => dispatch(variant, x) };
    },
  };
}

/** Runs the op. */
export function doubled(x: Tensor, variants: readonly string[]): Tensor {
  const [batch = 1, size = 1] = x.shape;
  return dispatch(x.gpu.tuning.choose(doublingOf(x.gpu, { variants, batch, size })), x);
}
