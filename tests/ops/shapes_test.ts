import assert from "node:assert/strict";
import {
  fourSizes,
  storedQuads,
  twoSizes,
  wantInteger,
  wantLayout,
  wantLike,
  wantShape,
} from "../../lib/ops/shapes.ts";
import { testGpu } from "../support/gpu.ts";

Deno.test("shapes: sizes come back in order, with the padding in the quads", async () => {
  const gpu = await testGpu();
  assert.deepEqual(fourSizes(gpu.zeros([2, 3, 4, 5]), "test"), [2, 3, 4, 5]);
  assert.deepEqual(twoSizes(gpu.zeros([2, 3]), "test"), [2, 3]);
  assert.equal(storedQuads(gpu.zeros([2, 3, 4, 5])), 48);
  assert.equal(storedQuads(gpu.zeros([2, 3, 4, 5], { layout: "weights" })), 48);
  assert.equal(storedQuads(gpu.zeros([])), 1);
});

Deno.test("shapes: a check that holds is silent", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([2, 3]);
  wantShape(x, [2, 3], "test");
  wantShape(gpu.zeros([]), [], "test");
  wantLayout(x, "channels", "test");
  wantLike(x, gpu.zeros([2, 3]), "test");
  wantInteger(0, "zero", { least: 0 });
});

Deno.test("shapes: a longer or shorter shape differs", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([2, 3], { label: "x" });
  assert.throws(() => wantShape(x, [2, 3, 1], "test"), {
    name: "TypeError",
    message: "Cannot test: x must be [2, 3, 1], found [2, 3]",
  });
  assert.throws(() => wantShape(x, [2], "test"), { name: "TypeError" });
  assert.throws(() => wantLike(gpu.zeros([2]), x, "test"), { name: "TypeError" });
  assert.throws(() => wantInteger(NaN, "a size", { least: 1 }), {
    name: "RangeError",
    message: "Cannot use a size: wanted an integer of at least 1, found NaN",
  });
});
