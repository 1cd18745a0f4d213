import assert from "node:assert/strict";
import { softmax } from "../../lib/ops/softmax.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { logSoftmax } from "../support/reference/softmax.ts";
import { readChecked } from "../support/stored.ts";

const CASES = [
  { shape: [3, 10], temperature: 1 },
  { shape: [1, 5], temperature: 4 },
  { shape: [2, 70], temperature: 0.5 },
] as const;

for (const { shape, temperature } of CASES) {
  Deno.test(`softmax: [${shape.join(", ")}] at temperature ${temperature}`, async () => {
    await checkOp(({ x }) => softmax(x, { temperature }), {
      inputs: { x: uniform(shape, { from: -2, to: 2 }) },
      shape,
      reference: ({ x }) => logSoftmax(x, { classes: shape[1], temperature }).map(Math.exp),
    });
  });
}

Deno.test("softmax: large and equal logits", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1e4, 1e4 + 1, -1e4, 7, 7, 7], [2, 3]);
  const [y = []] = await readChecked([softmax(x)]);
  const [a, b] = [1 / (1 + Math.E), Math.E / (1 + Math.E)];
  assertClose(y, [a, b, 0, 1 / 3, 1 / 3, 1 / 3], { atol: 1e-6 });
});

Deno.test("softmax: a large logit beyond the first workgroup's reach", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(Array.from({ length: 70 }, (_, c) => c === 69 ? 1000 : 0), [1, 70]);
  const [y = []] = await readChecked([softmax(x)]);
  assert.deepEqual([...y], Array.from({ length: 70 }, (_, c) => c === 69 ? 1 : 0));
});

Deno.test("softmax: one class is certain", async () => {
  const gpu = await testGpu();
  assert.deepEqual([...await softmax(gpu.tensor([-5, 9], [2, 1])).read()], [1, 1]);
});

Deno.test("softmax: refuses other dimensions and temperatures", async () => {
  const gpu = await testGpu();
  assert.throws(() => softmax(gpu.zeros([3])), {
    name: "TypeError",
    message: "Cannot take the softmax of the logits: wanted two dimensions, found [3]",
  });
  for (const temperature of [0, -1, NaN]) {
    assert.throws(() => softmax(gpu.zeros([1, 3]), { temperature }), {
      name: "RangeError",
      message: `Cannot take the softmax: the temperature must be positive, found ${temperature}`,
    });
  }
});
