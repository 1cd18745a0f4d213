import assert from "node:assert/strict";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { type FlatTensors, sgd, type SgdOptions } from "../../lib/optim/sgd.ts";
import { assertClose } from "../support/assert_close.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { flatOf, rateOf } from "../support/flat.ts";
import { testGpu } from "../support/gpu.ts";
import { Oracle } from "../support/oracle.ts";
import { randomValues } from "../support/random.ts";
import { readChecked } from "../support/stored.ts";

const RATE = 0.1;
const DECAYING = { momentum: 0.9, weightDecay: 5e-4 };

Deno.test("sgd: three steps with momentum and decay are PyTorch's", async () => {
  const gpu = await testGpu();
  const oracle = await Oracle.open("ops/ops.safetensors");
  const [parameters, velocity] = [flatOf(gpu, [[40]]), flatOf(gpu, [[40]])];
  const [p, v] = [parameters.trainable[0], velocity.trainable[0]];
  assert.ok(p !== undefined && v !== undefined);
  p.write(oracle.raw("sgd/p0"));
  const learningRate = rateOf(gpu, RATE);
  for (let step = 0; step < 3; step++) {
    const gradient = oracle.tensor(gpu, `sgd/grad${step}`);
    sgd(parameters, [gradient], { velocity, learningRate, ...DECAYING });
    for (const [name, tensor] of [["p", p], ["momentum", v]] as const) {
      const wanted = oracle.raw(`sgd/${name}${step + 1}`);
      assertLargest(await tensor.read(), wanted, { rtol: 1e-6, what: `${name} ${step}` });
    }
  }
});

const SHAPES = [[3, 3, 5, 2], [7], [1, 1, 2, 3]];
const STEPS = 4;

/** What the loss `sum_i c_i p_i^2 / 2` of each parameter leads to: PyTorch's update in float64. */
function reference(
  values: readonly Float32Array[],
  factors: readonly Float32Array[],
  { momentum, weightDecay, nesterov }: { momentum: number; weightDecay: number; nesterov: boolean },
): Float64Array[] {
  return values.map((start, at) => {
    const p = Float64Array.from(start);
    const v = new Float64Array(p.length);
    for (let step = 0; step < STEPS; step++) {
      p.forEach((value, place) => {
        const gradient = (factors[at]?.[place] ?? NaN) * value + weightDecay * value;
        const velocity = momentum * (v[place] ?? NaN) + gradient;
        v[place] = velocity;
        p[place] = value - RATE * (nesterov ? gradient + momentum * velocity : velocity);
      });
    }
    return p;
  });
}

/** Takes steps on that loss, in a program (where gradients come gathered) or op by op (where they are copied). */
async function descend(options: Omit<SgdOptions, "velocity" | "learningRate">, inProgram: boolean) {
  const gpu = await testGpu();
  const [parameters, velocity] = [flatOf(gpu, SHAPES), flatOf(gpu, SHAPES)];
  const draw = (seed: number) =>
    parameters.trainable.map(({ size }, at) => randomValues(size, { seed: seed + at }));
  const [values, factors] = [draw(1), draw(10)];
  parameters.trainable.forEach((tensor, at) => tensor.write(values[at] ?? new Float32Array()));
  const weights = parameters.trainable.map(({ shape, layout }, at) =>
    gpu.tensor(factors[at] ?? [], shape, { layout })
  );
  const learningRate = rateOf(gpu, RATE);
  const step = () => {
    const losses = parameters.trainable.map((p, at) =>
      scale(sum(multiply(multiply(p, p), weights[at] ?? p), { keep: "none" }), 0.5)
    );
    const grads = losses.flatMap((loss, at) =>
      gradients(loss, parameters.trainable.slice(at, at + 1))
    );
    sgd(parameters, grads, { velocity, learningRate, ...options });
    return null;
  };
  if (inProgram) {
    using program = await Program.record(gpu, { label: "descend", build: step });
    const names = program.plan.dispatches.map(({ kernel }) => kernel.name);
    assert.ok(!names.includes("copy"), "gradients are computed where the optimiser reads them");
    for (let time = 0; time < STEPS; time++) program.run();
    return { found: await readChecked(parameters.trainable), values, factors };
  }
  for (let time = 0; time < STEPS; time++) step();
  return { found: await readChecked(parameters.trainable), values, factors };
}

const FORMS = {
  "plain momentum": { momentum: 0.9, weightDecay: 0, nesterov: false },
  "weight decay": { momentum: 0.9, weightDecay: 0.1, nesterov: false },
  "Nesterov's momentum and weight decay": { momentum: 0.8, weightDecay: 0.1, nesterov: true },
  "no momentum": { momentum: 0, weightDecay: 0, nesterov: false },
};

for (const [name, form] of Object.entries(FORMS)) {
  for (const inProgram of [true, false]) {
    Deno.test(`sgd: ${name}, ${inProgram ? "in a program" : "op by op"}`, async () => {
      const { found, values, factors } = await descend(form, inProgram);
      for (const [at, wanted] of reference(values, factors, form).entries()) {
        assertClose(found[at] ?? [], wanted, { atol: 2e-6, what: `p${at}` });
      }
    });
  }
}

Deno.test("sgd: in a program, a gradient that two parameters share is copied", async () => {
  const gpu = await testGpu();
  const [parameters, velocity] = [flatOf(gpu, [[5], [5]]), flatOf(gpu, [[5], [5]])];
  const source = gpu.tensor([1, 2, 3, 4, 5], [5]);
  const learningRate = rateOf(gpu, RATE);
  using program = await Program.record(gpu, {
    label: "shared",
    build: () => {
      const shared = scale(source, 2);
      const options = { momentum: 0, weightDecay: 0 };
      sgd(parameters, [shared, shared], { velocity, learningRate, ...options });
      return null;
    },
  });
  program.run();
  for (const values of await readChecked(parameters.trainable)) {
    assertClose(values, [-0.2, -0.4, -0.6, -0.8, -1], { atol: 1e-6 });
  }
});

Deno.test("sgd: refuses a gradient or a velocity of another shape", async () => {
  const gpu = await testGpu();
  const [parameters, velocity] = [flatOf(gpu, [[5]]), flatOf(gpu, [[5]])];
  const step = (gradient: Tensor, velocity: FlatTensors) =>
    sgd(parameters, [gradient], { velocity, learningRate: rateOf(gpu, RATE), ...DECAYING });
  assert.throws(() => step(gpu.zeros([4]), velocity), {
    name: "TypeError",
    message: /^Cannot take a step of SGD for p0: .*\[5\], found \[4\]$/,
  });
  const longer = flatOf(gpu, [[500]]);
  assert.throws(() => step(gpu.zeros([5]), longer), { message: /^Cannot take a step of SGD: / });
});
