import assert from "node:assert/strict";
import { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { type Distance, DISTANCES } from "../../lib/losses/distance.ts";
import {
  gradientTerm,
  type GradientTermOptions,
  smallGradientTerm,
  symmetryTerm,
} from "../../lib/losses/gradient_terms.ts";
import type { LossInputs, LossTerm } from "../../lib/losses/loss_term.ts";
import type { Activations } from "../../lib/models/activations.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { globalAvgPool2d } from "../../lib/ops/global_avg_pool2d.ts";
import { add } from "../../lib/ops/add.ts";
import { watch } from "../../lib/tape.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { distanceOf } from "../support/reference/distance.ts";
import { mirrored } from "../support/reference/flip.ts";
import { logSoftmax } from "../support/reference/softmax.ts";

const [BATCH, SIDE, CLASSES] = [3, 2, 4];
const PIXELS = SIDE * SIDE * 3;
const LABELS = [3, 0, 1];
const IMAGES = randomValues(BATCH * PIXELS, { seed: 3 });
/** The weights of a network `logits = w x`, `[side, side, 3, classes]`. */
const WEIGHTS = [SIDE, SIDE, 3, CLASSES] as const;
const TEACHER = uniform(WEIGHTS, { seed: 8, layout: "weights" });

/** A network whose only weights are a convolution as large as the image. */
function applied(x: Tensor, w: Tensor): Activations {
  return { logits: globalAvgPool2d(conv2d(x, w)), taps: [] };
}

function logitsOf(w: Float64Array, images: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: BATCH * CLASSES }, (_, at) => {
    const [n, k] = [Math.floor(at / CLASSES), at % CLASSES];
    let sum = 0;
    for (let p = 0; p < PIXELS; p++) {
      sum += (images[n * PIXELS + p] ?? NaN) * (w[p * CLASSES + k] ?? NaN);
    }
    return sum;
  });
}

/** `J = 1/N sum_k (softmax(w x)_k - [k = label]) w_k`. */
function gradientOf(w: Float64Array, images: ArrayLike<number>): Float64Array {
  const slopes = logSoftmax(logitsOf(w, images), { classes: CLASSES }).map((log, at) =>
    (Math.exp(log) - (at % CLASSES === LABELS[Math.floor(at / CLASSES)] ? 1 : 0)) / BATCH
  );
  return Float64Array.from({ length: BATCH * PIXELS }, (_, at) => {
    const [n, p] = [Math.floor(at / PIXELS), at % PIXELS];
    let sum = 0;
    for (let k = 0; k < CLASSES; k++) {
      sum += (slopes[n * CLASSES + k] ?? NaN) * (w[p * CLASSES + k] ?? NaN);
    }
    return sum;
  });
}

function halfDistance(a: Float64Array, b: ArrayLike<number>, kind: Distance): number {
  return distanceOf(kind, { a, b, batch: BATCH }) / 2;
}

interface Case {
  readonly make: (options: GradientTermOptions) => LossTerm;
  readonly reference: (
    arrays: { w: Float64Array; t: Float64Array },
    kind: Distance,
  ) => number;
}

const CASES: Readonly<Record<string, Case>> = {
  gradientTerm: {
    make: gradientTerm,
    reference: ({ w, t }, kind) => halfDistance(gradientOf(w, IMAGES), gradientOf(t, IMAGES), kind),
  },
  smallGradientTerm: {
    make: smallGradientTerm,
    reference: ({ w }, kind) =>
      halfDistance(gradientOf(w, IMAGES), new Float64Array(BATCH * PIXELS), kind),
  },
  symmetryTerm: {
    make: symmetryTerm,
    reference: ({ w }, kind) => {
      const sizes = { width: SIDE, channels: 3 };
      const other = mirrored(IMAGES, sizes);
      const back = mirrored(gradientOf(w, other), sizes);
      return halfDistance(gradientOf(w, IMAGES), back, kind) +
        halfDistance(logitsOf(w, IMAGES), logitsOf(w, other), kind);
    },
  },
};

function inputsOf(w: Tensor): LossInputs {
  const { gpu } = w;
  const images = watch(gpu.tensor(IMAGES, [BATCH, SIDE, SIDE, 3]));
  const taught = gpu.tensor(TEACHER.values, WEIGHTS, { layout: "weights" });
  return {
    images,
    labels: gpu.tensor(LABELS, [BATCH], { dtype: "u32" }),
    student: applied(images, w),
    teacher: applied(images, taught),
    apply: (x) => applied(x, w),
    parameter: () => assert.fail("no parameter is needed"),
  };
}

/** A term's scalars, added up. */
function lossOf(term: LossTerm, inputs: LossInputs): Tensor {
  const found = term.loss(inputs);
  return found instanceof Tensor ? found : found.reduce((sum, loss) => add(sum, loss));
}

for (const [name, { make, reference }] of Object.entries(CASES)) {
  for (const kind of DISTANCES) {
    Deno.test(`${name}: ${kind} and its gradient are the formula's`, async () => {
      const term = make({ weight: 1, distance: kind });
      assert.equal(term.takesGradients, true);
      await checkOp(({ w }) => lossOf(term, inputsOf(w)), {
        inputs: { w: uniform(WEIGHTS, { seed: 5, layout: "weights" }) },
        shape: [],
        second: false,
        reference: ({ w }) => [reference({ w, t: Float64Array.from(TEACHER.values) }, kind)],
      });
    });
  }
}

Deno.test("gradientTerm: no distance has a gradient where student and teacher are the same", async () => {
  const gpu = await testGpu();
  const w = watch(gpu.tensor(TEACHER.values, WEIGHTS, { layout: "weights" }));
  for (const kind of DISTANCES) {
    const loss = lossOf(gradientTerm({ weight: 1, distance: kind }), inputsOf(w));
    const [value = [], slope = []] = await gpu.read([loss, ...gradients(loss, [w])]);
    assert.deepEqual([...value], [0]);
    assert.ok(slope.every((number) => number === 0), kind);
  }
});

Deno.test("gradientTerm: refuses to do without a teacher", async () => {
  const gpu = await testGpu();
  const inputs = inputsOf(gpu.tensor(TEACHER.values, WEIGHTS, { layout: "weights" }));
  assert.throws(() => gradientTerm({ weight: 1 }).loss({ ...inputs, teacher: null }), {
    name: "RangeError",
    message: "Cannot compute the loss gradient: wanted a teacher, found none",
  });
});
