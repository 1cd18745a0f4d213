import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { isInPlace, nameOf } from "../../lib/gpu/kernel.ts";
import { Program } from "../../lib/gpu/program.ts";
import { gradients } from "../../lib/gradients.ts";
import { add } from "../../lib/ops/add.ts";
import { attentionLoss } from "../../lib/ops/attention_loss.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { meanSquaredDifference } from "../../lib/ops/mean_squared_difference.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { differenceOf, mapsOf } from "../support/reference/attention_map.ts";
import { assertSameValues } from "../support/same_values.ts";
import { readChecked } from "../support/stored.ts";

const CASES = [
  { shape: [3, 5, 7, 5], teacher: 9 },
  { shape: [1, 9, 9, 41], teacher: 3 },
  { shape: [2, 3, 1, 1], teacher: 1 },
  { shape: [5, 2, 2, 24], teacher: 40 },
] as const;

for (const { shape, teacher } of CASES) {
  Deno.test(`attentionLoss: [${shape.join(", ")}] from ${teacher} channels`, async () => {
    const gpu = await testGpu();
    const [n, height, width, channels] = shape;
    const positions = height * width;
    const values = randomValues(n * positions * teacher, { seed: 3 });
    const wanted = mapsOf(Float64Array.from(values), { positions, channels: teacher });
    await checkOp(
      ({ x }) => attentionLoss(x, gpu.tensor(values, [n, height, width, teacher])),
      {
        inputs: { x: uniform(shape) },
        shape: [],
        reference: ({ x }) => {
          const a = mapsOf(x, { positions, channels });
          return [differenceOf("code", { a, b: wanted, columns: positions })];
        },
        second: false,
      },
    );
  });
}

Deno.test("attentionLoss: a student of zeros has a zero gradient, a teacher of zeros a unit loss", async () => {
  const gpu = await testGpu();
  const zeros = watch(gpu.zeros([1, 2, 1, 2]));
  const x = gpu.tensor([3, 1, 1, 2], [1, 2, 1, 2]);
  const loss = attentionLoss(zeros, x);
  const [dx] = gradients(loss, [zeros]);
  const [found = [], gradient = [], other = []] = await readChecked([
    loss,
    dx ?? zeros,
    attentionLoss(x, zeros),
  ]);
  assertClose(found, [0.5], { rtol: 1e-6, what: "loss" });
  assertClose(gradient, [0, 0, 0, 0], { what: "gradient" });
  assertClose(other, [0.5], { rtol: 1e-6, what: "loss of a teacher of zeros" });
});

interface Step {
  readonly found: readonly Float32Array[];
  readonly names: readonly string[];
  /** Those of them that write in place. */
  readonly inPlace: readonly string[];
}

/** Runs a loss of x and the gradient of that loss and a second one together. */
async function stepOf(
  gpu: Gpu,
  { fusion, loss }: {
    fusion: boolean;
    loss: typeof attentionLoss;
  },
): Promise<Step> {
  const [shape, wide] = [[3, 9, 7, 10], [3, 9, 7, 17]];
  const x = watch(gpu.tensor(randomValues(3 * 63 * 10, { seed: 1 }), shape));
  const teacher = gpu.tensor(randomValues(3 * 63 * 17, { seed: 2 }), wide);
  using program = await Program.record(gpu, {
    label: "step",
    texels: false, // nothing that is read through textures is written in place
    fusion,
    build: () => {
      const y = loss(x, teacher);
      const total = add(scale(y, 3), sum(scale(multiply(x, x), 0.7), { keep: "none" }));
      return [y, ...gradients(total, [x]).map((dx) => scale(dx, 2))];
    },
  });
  program.run();
  const { dispatches } = program.plan;
  return {
    found: await gpu.read(program.outputs),
    names: dispatches.map(nameOf),
    inPlace: dispatches.filter(isInPlace).map(nameOf),
  };
}

Deno.test("attentionLoss: its gradient takes a factor in its load and another gradient, in place, in its store", async () => {
  const gpu = await testGpu();
  const merged = await stepOf(gpu, { fusion: true, loss: attentionLoss });
  const plain = await stepOf(gpu, { fusion: false, loss: attentionLoss });
  assert.deepEqual(merged.inPlace, ["attention_loss.vjp + scale.forward + add.forward"]);
  assert.ok(!plain.names.some((name) => name.includes("+")));
  await assertSameValues(merged.found, plain.found);
});

Deno.test("attentionLoss: agrees with the loss made of ops, on a card's workgroups too", async () => {
  using card = await cardGpu();
  const [composed, found] = [
    await stepOf(await testGpu(), {
      fusion: false,
      loss: (a, b) => meanSquaredDifference(attentionMap(a), attentionMap(b)),
    }),
    await stepOf(card, { fusion: true, loss: attentionLoss }),
  ];
  found.found.forEach((values, at) => {
    assertClose(values, composed.found[at] ?? [], { rtol: 1e-5, atol: 1e-7, what: `output ${at}` });
  });
});

Deno.test("attentionLoss: refuses what does not fit", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([2, 3, 3, 1], { label: "x" });
  assert.throws(() => attentionLoss(gpu.zeros([2, 3]), x), {
    name: "TypeError",
    message: "Cannot take the attention of the student: wanted four dimensions, found [2, 3]",
  });
  assert.throws(() => attentionLoss(x, gpu.zeros([2, 3, 2, 5], { label: "t" })), {
    name: "TypeError",
    message: "Cannot compare attention: t must be [2, 3, 3, 5], found [2, 3, 2, 5]",
  });
});
