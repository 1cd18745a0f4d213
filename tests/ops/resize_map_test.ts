import assert from "node:assert/strict";
import { type MapSize, resizeMap, RESIZES } from "../../lib/ops/resize_map.ts";
import { assertClose } from "../support/assert_close.ts";
import { checkOp } from "../support/check_op.ts";
import { testGpu } from "../support/gpu.ts";
import { uniform } from "../support/operand.ts";
import { resizeMaps } from "../support/reference/resize_map.ts";

const CASES: readonly { readonly from: MapSize; readonly to: MapSize }[] = [
  { from: [8, 8], to: [4, 4] },
  { from: [7, 5], to: [3, 4] },
  { from: [3, 2], to: [7, 5] },
  { from: [9, 2], to: [2, 5] },
  { from: [1, 1], to: [3, 3] },
  { from: [3, 3], to: [1, 1] },
  { from: [11, 5], to: [10, 4] },
];

for (const resize of RESIZES) {
  for (const { from, to } of CASES) {
    Deno.test(`resizeMap: ${resize}, ${from.join(" x ")} to ${to.join(" x ")}`, async () => {
      await checkOp(({ x }) => resizeMap(x, { from, to, resize }), {
        inputs: { x: uniform([3, from[0] * from[1]]) },
        shape: [3, to[0] * to[1]],
        reference: ({ x }) => resizeMaps(x, { from, to, resize }),
        most: 60,
      });
    });
  }
}

Deno.test("resizeMap: bilinear at known places", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([0, 4, 8, 12], [1, 4]);
  const twice = await resizeMap(x, { from: [2, 2], to: [2, 4], resize: "bilinear" }).read();
  assertClose(twice, [0, 1, 3, 4, 8, 9, 11, 12], { atol: 1e-6, what: "map" });
});

Deno.test("resizeMap: a map that has the size already is handed back", async () => {
  const x = (await testGpu()).zeros([2, 6]);
  for (const resize of RESIZES) assert.equal(resizeMap(x, { from: [2, 3], to: [2, 3], resize }), x);
});

Deno.test("resizeMap: refuses other sizes", async () => {
  const x = (await testGpu()).zeros([2, 6], { label: "x" });
  assert.throws(() => resizeMap(x, { from: [2, 2], to: [1, 1] }), {
    name: "TypeError",
    message: "Cannot resize maps of 2 x 2: x must be [2, 4], found [2, 6]",
  });
  assert.throws(() => resizeMap(x, { from: [2, 3], to: [0, 1] }), {
    name: "RangeError",
    message: "Cannot use the height of a map: wanted an integer of at least 1, found 0",
  });
});
