import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { normalise, NORMS } from "../../lib/ops/normalise.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { cardGpu, testGpu } from "../support/gpu.ts";
import { spaced } from "../support/operand.ts";
import { randomValues } from "../support/random.ts";
import { unitRows } from "../support/reference/attention_map.ts";
import { readChecked } from "../support/stored.ts";

const SHAPES = [[3, 5], [2, 3, 5, 7], [1, 9, 9, 10]];

for (const norm of NORMS) {
  for (const shape of SHAPES) {
    Deno.test(`normalise: ${norm} of [${shape.join(", ")}]`, async () => {
      const [batch = NaN] = shape;
      await checkOp(({ x }) => normalise(x, { norm }), {
        inputs: { x: spaced(shape) },
        shape,
        reference: ({ x }) => unitRows(x, { columns: x.length / batch, norm }),
        second: false,
      });
    });
  }

  Deno.test(`normalise: ${norm} of samples of one number`, async () => {
    const { shape, values } = spaced([5, 1]);
    await checkOp(({ x }) => normalise(x, { norm }), {
      inputs: { x: { shape, values: values.map((value) => 100 * value) } },
      shape,
      reference: ({ x }) => unitRows(x, { columns: 1, norm }),
      second: false,
      tolerance: 1e-4, // the gradient is dy / |x| minus itself, of 1 at most, and a division may be 2.5 ulp off
    });
  });

  Deno.test(`normalise: ${norm} of a sample of zeros is zeros, with a zero gradient`, async () => {
    const gpu = await testGpu();
    const x = watch(gpu.tensor([0, 0, 0, 0, 0, -4], [2, 3]));
    const y = normalise(x, { norm });
    const grads = gradients(y, [x], { upstream: gpu.tensor([1, 2, 3, 4, 5, 6], [2, 3]) });
    const [units = [], dx = []] = await readChecked([y, ...grads]);
    assertClose(units, [0, 0, 0, 0, 0, -1], { what: "units" });
    assertClose(dx, [0, 0, 0, 1, 1.25, 0], { what: "gradient" });
  });

  Deno.test(`normalise: ${norm} below 1e-12 is divided by 1e-12`, async () => {
    const gpu = await testGpu();
    const x = watch(gpu.tensor([3e-13, 0, -4e-13], [1, 3]));
    const y = normalise(x, { norm });
    const grads = gradients(y, [x], { upstream: gpu.tensor([1, 2, 3], [1, 3]) });
    const [units = [], dx = []] = await readChecked([y, ...grads]);
    assertClose(units, [0.3, 0, -0.4], { rtol: 1e-6, what: "units" });
    assertClose(dx, [1e12, 2e12, 3e12], { rtol: 1e-6, what: "gradient" });
  });

  Deno.test(`normalise: ${norm} with a card's workgroups`, async () => {
    using card = await cardGpu();
    const gpus = [await testGpu(), card];
    const [plain, wide] = await Promise.all(gpus.map((gpu) => {
      const x = watch(gpu.tensor(randomValues(3 * 1300, { seed: 1 }), [3, 1300]));
      const upstream = gpu.tensor(randomValues(3 * 1300, { seed: 2 }), [3, 1300]);
      const y = normalise(x, { norm });
      return readChecked([y, ...gradients(y, [x], { upstream })]);
    }));
    wide?.forEach((values, at) => {
      assertClose(values, plain?.[at] ?? [], { rtol: 1e-5, atol: 1e-7, what: `output ${at}` });
    });
  });
}

Deno.test("normalise: refuses what has no samples, and weights", async () => {
  const gpu = await testGpu();
  assert.throws(() => normalise(gpu.zeros([3])), {
    name: "TypeError",
    message: "Cannot normalise x: to keep samples, wanted at least two dimensions, found [3]",
  });
  assert.throws(() => normalise(gpu.zeros([2, 3], { label: "w", layout: "weights" })), {
    name: "TypeError",
    message: "Cannot normalise x: w must have the layout channels, found weights",
  });
});
