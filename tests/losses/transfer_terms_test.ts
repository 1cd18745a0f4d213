import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { gradients } from "../../lib/gradients.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Activations } from "../../lib/models/activations.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { lossesOf } from "../support/losses.ts";
import { Oracle, oracleCases, toleranceOf } from "../support/oracle.ts";
import { randomValues } from "../support/random.ts";
import { differenceOf, mapsOf } from "../support/reference/attention_map.ts";
import { logSoftmax } from "../support/reference/softmax.ts";

const [BATCH, CLASSES, POSITIONS] = [3, 5, 6];
const LABELS = [4, 0, 2];
const CHANNELS = { student: [2, 3], teacher: [4, 3] };

interface Numbers {
  readonly logits: Float32Array;
  readonly taps: readonly Float32Array[];
}

function numbersOf(who: "student" | "teacher"): Numbers {
  const seed = who === "student" ? 1 : 2;
  return {
    logits: randomValues(BATCH * CLASSES, { seed, from: -3, to: 3 }),
    taps: CHANNELS[who].map((channels, at) =>
      randomValues(BATCH * POSITIONS * channels, { seed: seed * 10 + at })
    ),
  };
}

function activations(gpu: Gpu, { logits, taps }: Numbers): Activations {
  return {
    logits: watch(gpu.tensor(logits, [BATCH, CLASSES])),
    taps: taps.map((tap) =>
      watch(gpu.tensor(tap, [BATCH, 2, POSITIONS / 2, tap.length / BATCH / POSITIONS]))
    ),
  };
}

function referenceMaps(tap: Float32Array): Float64Array {
  const channels = tap.length / BATCH / POSITIONS;
  return mapsOf(Float64Array.from(tap), { positions: POSITIONS, channels });
}

/** The parts of the objective in float64, from their formulas. */
function reference(student: Numbers, teacher: Numbers, temperature: number) {
  const logs = (logits: Float32Array, by: number) =>
    logSoftmax(Float64Array.from(logits), { classes: CLASSES, temperature: by });
  const plain = logs(student.logits, 1);
  const hard = LABELS.reduce((sum, label, n) => sum - (plain[n * CLASSES + label] ?? NaN), 0);
  const [s, t] = [logs(student.logits, temperature), logs(teacher.logits, temperature)];
  const divergence = t.reduce((sum, log, at) => sum + Math.exp(log) * (log - (s[at] ?? NaN)), 0);
  const attention = student.taps.map((tap, group) => {
    const b = referenceMaps(teacher.taps[group] ?? tap);
    return differenceOf("code", { a: referenceMaps(tap), b, columns: POSITIONS });
  });
  return { hard: hard / BATCH, soft: temperature ** 2 * divergence / BATCH, attention };
}

async function losses(weights: { alpha?: number; beta?: number; temperature?: number }) {
  const gpu = await testGpu();
  const [student, teacher] = [numbersOf("student"), numbersOf("teacher")];
  const { total, of } = lossesOf(transferTerms(weights), {
    student: activations(gpu, student),
    teacher: activations(gpu, teacher),
    labels: gpu.tensor(LABELS, [BATCH], { dtype: "u32" }),
  });
  const [found = [], hard = [], ...groups] =
    (await gpu.read([total, ...of("cross_entropy"), ...of("attention")]))
      .map((values) => [...values]);
  const wanted = reference(student, teacher, weights.temperature ?? 4);
  return { total: found, hard, groups: groups.flat(), wanted };
}

const WEIGHTS = [
  {},
  { alpha: 0.9 },
  { alpha: 0.3, temperature: 2 },
  { alpha: 1 },
  { beta: 1000 },
  { alpha: 0.9, beta: 10 },
];

for (const weights of WEIGHTS) {
  Deno.test(`transferTerms: ${JSON.stringify(weights)} weighs its parts as the formula says`, async () => {
    const { alpha = 0, beta = 0 } = weights;
    const { total, hard, groups, wanted } = await losses(weights);
    const attention = wanted.attention.reduce((sum, loss) => sum + loss, 0);
    const sum = (1 - alpha) * wanted.hard + alpha * wanted.soft + beta * attention;
    assertClose(total, [sum], { rtol: 1e-5, what: "total" });
    assertClose(hard, [wanted.hard], { rtol: 1e-5, what: "cross-entropy" });
    assertClose(groups, wanted.attention, { rtol: 1e-5, what: "unweighted at-losses" });
  });
}

for (const name of ["kd_T4_a09", "kd_T4_a0"]) {
  Deno.test(`transferTerms: ${name} is PyTorch's, and so is its gradient`, async () => {
    const gpu = await testGpu();
    const oracle = await Oracle.open("ops/ops.safetensors");
    const found = (await oracleCases()).find((one) => one.name === name);
    const tolerance = (key: string) => ({ atol: toleranceOf(found, key), what: key });
    const logits = watch(oracle.tensor(gpu, `${name}/in.y`));
    const { total } = lossesOf(transferTerms({ alpha: name.endsWith("a09") ? 0.9 : 0 }), {
      student: { logits, taps: [] },
      teacher: { logits: oracle.tensor(gpu, `${name}/in.teacher`), taps: [] },
      labels: oracle.labelTensor(gpu, `${name}/in.labels`),
    });
    const [dy] = gradients(total, [logits]);
    assertClose(await total.read(), oracle.raw(`${name}/out.loss`), tolerance("loss"));
    assertClose(await dy?.read() ?? [], oracle.raw(`${name}/grad.y`), tolerance("grad.y"));
  });
}

Deno.test("transferTerms: all of the student gets a gradient, nothing of the teacher", async () => {
  const gpu = await testGpu();
  const [student, teacher] = [numbersOf("student"), numbersOf("teacher")]
    .map((numbers) => activations(gpu, numbers));
  assert.ok(student !== undefined && teacher !== undefined);
  const labels = gpu.tensor(LABELS, [BATCH], { dtype: "u32" });
  const { total } = lossesOf(transferTerms({ alpha: 0.5, beta: 10 }), { student, teacher, labels });
  for (const grad of gradients(total, [student.logits, ...student.taps])) {
    assert.ok((await grad.read()).some((value) => value !== 0));
  }
  for (const constant of [teacher.logits, ...teacher.taps]) {
    assert.throws(() => gradients(total, [constant]), { message: /does not depend on/ });
  }
});

Deno.test("transferTerms: at beta 0 the at-losses are computed, but not minimised", async () => {
  const gpu = await testGpu();
  const student = activations(gpu, numbersOf("student"));
  const teacher = activations(gpu, numbersOf("teacher"));
  const labels = gpu.tensor(LABELS, [BATCH], { dtype: "u32" });
  const { total, of } = lossesOf(transferTerms(), { student, teacher, labels });
  assert.equal(of("attention").length, 2);
  assert.throws(() => gradients(total, student.taps), { message: /does not depend on/ });
});

Deno.test("transferTerms: without a teacher it is the cross-entropy, or refuses", async () => {
  const gpu = await testGpu();
  const inputs = {
    student: activations(gpu, numbersOf("student")),
    teacher: null,
    labels: gpu.tensor(LABELS, [BATCH], { dtype: "u32" }),
  };
  const { total, of } = lossesOf(transferTerms(), inputs);
  assert.deepEqual([total], of("cross_entropy"));
  assert.deepEqual(of("attention"), []);
  for (const [alpha, beta, loss] of [[0.5, 0, "distillation"], [0, 1000, "attention"]] as const) {
    assert.throws(() => lossesOf(transferTerms({ alpha, beta }), inputs), {
      name: "RangeError",
      message: `Cannot compute the loss ${loss}: wanted a teacher, found none`,
    });
  }
});

Deno.test("transferTerms: refuses a teacher of fewer groups", async () => {
  const gpu = await testGpu();
  const teacher = activations(gpu, numbersOf("teacher"));
  assert.throws(
    () =>
      lossesOf(transferTerms({ beta: 1 }), {
        student: activations(gpu, numbersOf("student")),
        teacher: { ...teacher, taps: teacher.taps.slice(1) },
        labels: gpu.tensor(LABELS, [BATCH], { dtype: "u32" }),
      }),
    {
      name: "RangeError",
      message:
        "Cannot compute the loss attention: wanted group 1 of the teacher, found groups 0 to 0",
    },
  );
});

Deno.test("transferTerms: taps picks the groups whose attention counts", async () => {
  const gpu = await testGpu();
  const student = activations(gpu, numbersOf("student"));
  const teacher = activations(gpu, numbersOf("teacher"));
  const labels = gpu.tensor(LABELS, [BATCH], { dtype: "u32" });
  const lossOf = async (taps: readonly number[]) => {
    const { total, of } = lossesOf(transferTerms({ beta: 100, taps }), {
      student,
      teacher,
      labels,
    });
    const [sum = NaN, hard = NaN, ...groups] = (await gpu.read([
      total,
      ...of("cross_entropy"),
      ...of("attention"),
    ])).map(([value = NaN]) => value);
    assertClose([sum], [hard + 100 * groups.reduce((a, b) => a + b)], { rtol: 1e-5 });
    return groups;
  };
  const [first, second] = await lossOf([0, 1]);
  assert.deepEqual(await lossOf([1]), [second]);
  assert.deepEqual(await lossOf([1, 0]), [second, first]);
  await assert.rejects(lossOf([2]), {
    name: "RangeError",
    message:
      "Cannot compute the loss attention: wanted group 2 of the student, found groups 0 to 1",
  });
});
