import assert from "node:assert/strict";
import { permute } from "../../lib/weights/permute.ts";

Deno.test("permute: every element goes where its index says", () => {
  const [o, i, h, w] = [2, 3, 4, 5];
  const values = Float32Array.from({ length: o * i * h * w }, (_, at) => at);
  const hwio = permute(values, [o, i, h, w], [2, 3, 1, 0]);
  for (let at = 0; at < values.length; at++) {
    const [x, y] = [at % w, Math.floor(at / w) % h];
    const [from, to] = [Math.floor(at / (w * h)) % i, Math.floor(at / (w * h * i))];
    assert.equal(hwio[((y * w + x) * i + from) * o + to], at, `element ${at}`);
  }
});

Deno.test("permute: the opposite order undoes it", () => {
  const values = Float32Array.from({ length: 24 }, (_, at) => at * at);
  const there = permute(values, [2, 3, 4], [2, 0, 1]);
  assert.deepEqual(permute(there, [4, 2, 3], [1, 2, 0]), values);
});

Deno.test("permute: one dimension, one element and none", () => {
  assert.deepEqual(permute(new Float32Array([3, 1]), [2], [0]), new Float32Array([3, 1]));
  assert.deepEqual(permute(new Float32Array([7]), [1, 1], [1, 0]), new Float32Array([7]));
  assert.deepEqual(permute(new Float32Array(), [0, 3], [1, 0]), new Float32Array());
});
