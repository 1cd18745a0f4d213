import assert from "node:assert/strict";
import { nameOf } from "../../lib/gpu/kernel.ts";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { Program } from "../../lib/gpu/program.ts";
import { gradients } from "../../lib/gradients.ts";
import {
  attentionTransfer,
  type AttentionTransferOptions,
} from "../../lib/losses/attention_transfer.ts";
import { TRANSFER_FORMS } from "../../lib/losses/transfer_form.ts";
import { parseMap } from "../../lib/ops/parse_map.ts";
import { type MapSize, RESIZES } from "../../lib/ops/resize_map.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { apart } from "../support/operand.ts";
import { Oracle, oracleCases, toleranceOf } from "../support/oracle.ts";
import { randomValues } from "../support/random.ts";
import { differenceOf, rawMapsOf, unitRows } from "../support/reference/attention_map.ts";
import { resizeMaps } from "../support/reference/resize_map.ts";
import { readChecked } from "../support/stored.ts";
import { testIn } from "../support/test_in.ts";

Deno.test("attentionTransfer: loss and student's gradient are PyTorch's", async () => {
  const gpu = await testGpu();
  const oracle = await Oracle.open("ops/ops.safetensors");
  const found = (await oracleCases()).find(({ name }) => name === "at_loss");
  const tolerance = (name: string) => ({ atol: toleranceOf(found, name), what: name });
  const student = watch(oracle.tensor(gpu, "at_loss/in.x"));
  const loss = attentionTransfer(student, oracle.tensor(gpu, "at_loss/in.y"));
  const [dx] = gradients(loss, [student]);
  assert.deepEqual(loss.shape, []);
  assertClose(await loss.read(), oracle.raw("at_loss/out.loss"), tolerance("loss"));
  assertClose(await dx?.read() ?? [], oracle.values("at_loss/grad.x"), tolerance("grad.x"));
});

for (const map of ["sum^2", "max"]) {
  Deno.test(`attentionTransfer: the teacher is a constant, ${map}`, async () => {
    const gpu = await testGpu();
    const [student, teacher] = [gpu.tensor([1, 2, 3, 4], [1, 2, 2, 1]), gpu.zeros([1, 2, 2, 1])]
      .map(watch);
    assert.ok(student !== undefined && teacher !== undefined);
    const loss = attentionTransfer(student, teacher, { map });
    assert.equal(gradients(loss, [student]).length, 1);
    assert.throws(() => gradients(loss, [teacher]), {
      name: "TypeError",
      message: /not depend on/,
    });
  });
}

const CHANNELS = { student: 5, teacher: 3 };
const FROM: MapSize = [3, 6];

/** How far the unit-length maps of activations are from the teacher's, in float64. */
function reference(
  student: Float64Array,
  { teacher, other, map, norm, resize, form }: Required<AttentionTransferOptions> & {
    teacher: Float64Array;
    other: MapSize;
  },
): number[] {
  const to: MapSize = resize === "pool"
    ? [Math.min(FROM[0], other[0]), Math.min(FROM[1], other[1])]
    : FROM;
  const columns = to[0] * to[1];
  const mapOf = (x: Float64Array, { channels, from }: { channels: number; from: MapSize }) => {
    const raw = rawMapsOf(x, { channels, ...parseMap(map) });
    return unitRows(resizeMaps(raw, { from, to, resize }), { columns, norm });
  };
  const a = mapOf(student, { channels: CHANNELS.student, from: FROM });
  const b = mapOf(teacher, { channels: CHANNELS.teacher, from: other });
  return [differenceOf(form, { a, b, columns })];
}

const CASES: readonly (Required<AttentionTransferOptions> & { readonly other: MapSize })[] = [
  { map: "sum^2", norm: "l2", resize: "pool", form: "code", other: FROM },
  { map: "sum^2", norm: "l2", resize: "pool", form: "code", other: [4, 5] },
  { map: "sum^2", norm: "l2", resize: "bilinear", form: "code", other: [7, 3] },
  { map: "sum^2", norm: "l2", resize: "pool", form: "paper", other: FROM },
  { map: "sum^2", norm: "l1", resize: "pool", form: "code", other: FROM },
  { map: "sum^3", norm: "l2", resize: "pool", form: "code", other: FROM },
  { map: "max^2", norm: "l2", resize: "pool", form: "code", other: FROM },
  { map: "max", norm: "l1", resize: "bilinear", form: "paper", other: [1, 1] },
  { map: "sum", norm: "l1", resize: "pool", form: "paper", other: [1, 1] },
  { map: "sum^1.5", norm: "l2", resize: "pool", form: "paper", other: [2, 8] },
];

for (const { other, ...options } of CASES) {
  Deno.test(`attentionTransfer: ${Object.values(options).join(", ")}, ${FROM.join(" x ")} from ${other.join(" x ")}`, async () => {
    const gpu = await testGpu();
    const shape = [2, ...other, CHANNELS.teacher];
    const values = randomValues(sizeOf(shape), { seed: 5 });
    const teacher = Float64Array.from(values);
    await checkOp(({ x }) => attentionTransfer(x, gpu.tensor(values, shape), options), {
      inputs: { x: apart([2, ...FROM, CHANNELS.student]) },
      shape: [],
      reference: ({ x }) => reference(x, { teacher, other, ...options }),
      second: false,
    });
  });
}

/** Dispatches of a loss and of the student's gradient. */
async function dispatchesOf(options: AttentionTransferOptions): Promise<string[]> {
  const gpu = await testGpu();
  const student = watch(gpu.zeros([2, 3, 3, 4]));
  using program = await Program.record(gpu, {
    label: "step",
    build: () => {
      const loss = attentionTransfer(student, gpu.zeros([2, 3, 3, 8]), options);
      return [loss, ...gradients(loss, [student])];
    },
  });
  return program.plan.dispatches.map(nameOf);
}

Deno.test("attentionTransfer: the original's is one fused op, by whatever name", async () => {
  const fused = await dispatchesOf({});
  assert.equal(fused.filter((name) => name.startsWith("attention_loss.")).length, 2);
  assert.ok(!fused.some((name) => name.startsWith("activation_map.")));
  for (const resize of RESIZES) {
    const options = { map: "sum^2.0", norm: "l2", form: "code", resize } as const;
    assert.deepEqual(await dispatchesOf(options), fused);
  }
});

for (const map of ["sum", "sum^1.5", "sum^2", "max", "max^3"]) {
  for (const form of TRANSFER_FORMS) {
    Deno.test(`attentionTransfer: ${map} in ${form} of zeros, and of what is the same, has a zero gradient`, async () => {
      const gpu = await testGpu();
      const values = [0, 0, 0, 0, 1, -1, 1, 0];
      const student = watch(gpu.tensor(values, [2, 1, 2, 2]));
      const teacher = gpu.tensor([1, 0, 0, 0, ...values.slice(4)], [2, 1, 2, 2]);
      const loss = attentionTransfer(student, teacher, { map, form });
      const [found = [], dx = []] = await readChecked([loss, ...gradients(loss, [student])]);
      assertClose(found, [0.25], { what: "loss" });
      assertClose(dx, new Float32Array(8), { atol: 1e-7, what: "gradient" });
    });
  }
}

testIn("f16", "attentionTransfer: refuses a teacher of another type", async () => {
  const gpu = await testGpu();
  const student = gpu.zeros([1, 1, 2, 1]);
  const half = gpu.zeros([1, 1, 2, 5], { label: "t", dtype: "f16" });
  for (const map of ["sum^2", "sum"]) {
    assert.throws(() => attentionTransfer(student, half, { map }), {
      name: "TypeError",
      message: "Cannot compare attention: t must hold f32 numbers, found f16",
    });
  }
});

Deno.test("attentionTransfer: refuses other batches and dimensions, and unknown maps", async () => {
  const gpu = await testGpu();
  const student = gpu.tensor([3, 4], [1, 1, 2, 1]);
  for (const map of ["sum^2", "sum"]) {
    assert.throws(
      () => attentionTransfer(student, gpu.zeros([3, 1, 2, 5], { label: "t" }), { map }),
      {
        name: "TypeError",
        message: "Cannot compare attention: t must be [1, 1, 2, 5], found [3, 1, 2, 5]",
      },
    );
  }
  assert.throws(() => attentionTransfer(student, gpu.zeros([1, 2])), {
    name: "TypeError",
    message: "Cannot take the attention of the teacher: wanted four dimensions, found [1, 2]",
  });
  assert.throws(() => attentionTransfer(student, student, { map: "max^0" }), {
    name: "RangeError",
    message: /^Cannot take the map max\^0: /,
  });
});
