import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { activationMap } from "../../lib/ops/activation_map.ts";
import { parseMap } from "../../lib/ops/parse_map.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { apart } from "../support/operand.ts";
import { rawMapsOf } from "../support/reference/attention_map.ts";
import { readChecked } from "../support/stored.ts";

const MAPS = ["sum", "sum^1.5", "sum^2", "sum^3", "sum^4", "sum^5", "max", "max^1.5", "max^2"];
const CASES = [[2, 3, 5, 5], [1, 7, 9, 9], [3, 1, 1, 1], [5, 2, 2, 8]] as const;

for (const map of MAPS) {
  for (const shape of CASES) {
    Deno.test(`activationMap: ${map} of [${shape.join(", ")}]`, async () => {
      const [n, height, width, channels] = shape;
      await checkOp(({ x }) => activationMap(x, { map }), {
        inputs: { x: apart(shape) },
        shape: [n, height * width],
        reference: ({ x }) => rawMapsOf(x, { channels, ...parseMap(map) }),
        second: false,
      });
    });
  }
}

for (const map of MAPS) {
  Deno.test(`activationMap: ${map} has a zero gradient where activations are zero`, async () => {
    const gpu = await testGpu();
    const x = watch(gpu.tensor([0, -0, 0, 0, 0, 0, 1, 0, 0, 0], [2, 1, 1, 5]));
    const y = activationMap(x, { map });
    const grads = gradients(y, [x], { upstream: gpu.tensor([7, 3], [2, 1]) });
    const [maps = [], dx = []] = await readChecked([y, ...grads]);
    assert.deepEqual([...maps], [0, 1]);
    assertClose(dx, [0, 0, 0, 0, 0, 0, 3 * parseMap(map).power, 0, 0, 0], { what: "gradient" });
  });
}

Deno.test("activationMap: of channels that tie for the maximum the first gets the gradient", async () => {
  const gpu = await testGpu();
  const x = watch(gpu.tensor([1, -3, 3, 2, 3, -3, 2, 2, 2, 2, -2, 2], [1, 1, 2, 6]));
  const y = activationMap(x, { map: "max^2" });
  const grads = gradients(y, [x], { upstream: gpu.tensor([1, 10], [1, 2]) });
  const [maps = [], dx = []] = await readChecked([y, ...grads]);
  assert.deepEqual([...maps], [9, 4]);
  assertClose(dx, [0, -6, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0], { what: "gradient" });
});

Deno.test("activationMap: refuses other dimensions and unknown maps", async () => {
  const gpu = await testGpu();
  assert.throws(() => activationMap(gpu.zeros([2, 3])), {
    name: "TypeError",
    message: "Cannot take the activation map of x: wanted four dimensions, found [2, 3]",
  });
  assert.throws(() => activationMap(gpu.zeros([1, 1, 1, 1]), { map: "max^0" }), {
    name: "RangeError",
    message: /^Cannot take the map max\^0: /,
  });
});
