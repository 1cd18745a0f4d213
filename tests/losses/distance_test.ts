import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { distance, DISTANCES } from "../../lib/losses/distance.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { distanceOf } from "../support/reference/distance.ts";
import { readChecked } from "../support/stored.ts";

for (const kind of DISTANCES) {
  for (const shape of [[3, 5], [2, 3, 5, 3], [1, 1]]) {
    Deno.test(`distance: ${kind} of [${shape.join(", ")}]`, async () => {
      const [batch = NaN] = shape;
      await checkOp(({ a, b }) => distance(a, b, { kind }), {
        inputs: { a: uniform(shape), b: uniform(shape, { seed: 2, from: 1.5, to: 2 }) },
        shape: [],
        reference: (arrays) => [distanceOf(kind, { ...arrays, batch })],
      });
    });
  }

  Deno.test(`distance: ${kind} has a zero gradient where there is no difference`, async () => {
    const gpu = await testGpu();
    const a = watch(gpu.tensor([1, 2, 3, 4], [2, 2]));
    const y = distance(a, gpu.tensor([1, 2, 3, 4], [2, 2]), { kind });
    const [found = [], da = []] = await readChecked([y, ...gradients(y, [a])]);
    assertClose(found, [0], { what: "distance" });
    assertClose(da, [0, 0, 0, 0], { what: "gradient" });
  });
}

Deno.test("distance: one sample without a difference leaves the other's gradient", async () => {
  const gpu = await testGpu();
  const a = watch(gpu.tensor([1, 2, 3, 4], [2, 2]));
  const y = distance(a, gpu.tensor([1, 2, 0, 0], [2, 2]), { kind: "sample" });
  const [found = [], da = []] = await readChecked([y, ...gradients(y, [a])]);
  assertClose(found, [2.5], { rtol: 1e-6, what: "distance" });
  assertClose(da, [0, 0, 0.3, 0.4], { rtol: 1e-6, what: "gradient" });
});

Deno.test("distance: refuses other shapes", async () => {
  const gpu = await testGpu();
  const [a, b] = [gpu.zeros([2, 3]), gpu.zeros([2, 4], { label: "b" })];
  assert.throws(() => distance(a, b, { kind: "square" }), {
    name: "TypeError",
    message: "Cannot take a distance: b must be [2, 3], found [2, 4]",
  });
});
