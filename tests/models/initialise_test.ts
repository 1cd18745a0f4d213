import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { constant, heNormal, uniform } from "../../lib/models/initialise.ts";

function moments(values: Float32Array): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

for (const shape of [[64, 64, 3, 3], [128, 64, 1, 1], [100, 128]]) {
  Deno.test(`heNormal: [${shape}] has mean 0 and deviation sqrt(2 / fan-in)`, () => {
    const values = heNormal(shape, { name: "conv0", seed: 3 });
    const wanted = Math.sqrt(2 / sizeOf(shape.slice(1)));
    assert.equal(values.length, sizeOf(shape));
    const { mean, deviation } = moments(values);
    assert.ok(Math.abs(deviation / wanted - 1) < 0.03, `${deviation} for ${wanted}`);
    assert.ok(Math.abs(mean) < 0.05 * wanted, `mean ${mean}`);
  });
}

Deno.test("heNormal: the numbers are spread as a normal distribution's", () => {
  const values = heNormal([1, 20_000], { name: "fc.weight", seed: 1 });
  const { deviation } = moments(values);
  const shares = [[0.5, 0.3829], [1, 0.6827], [2, 0.9545], [3, 0.9973]] as const;
  for (const [times, wanted] of shares) {
    const share = values.filter((value) => Math.abs(value) < times * deviation).length / 20_000;
    assert.ok(Math.abs(share - wanted) < 0.012, `${share} within ${times} deviations`);
  }
});

Deno.test("uniform: fills the interval from 0 to 1 evenly", () => {
  const values = uniform([8000], { name: "bn.weight", seed: 5 });
  const tenths = new Array<number>(10).fill(0);
  for (const value of values) {
    const tenth = Math.floor(10 * value);
    tenths[tenth] = (tenths[tenth] ?? NaN) + 1;
  }
  assert.equal(tenths.length, 10);
  assert.ok(tenths.every((count) => Math.abs(count - 800) < 110), tenths.join());
});

for (const [name, draw] of Object.entries({ heNormal, uniform })) {
  Deno.test(`${name}: seed and name decide, and nothing else does`, () => {
    const numbers = (name: string, seed: number) => [...draw([4, 5], { name, seed })];
    const first = numbers("conv0", 1);
    assert.deepEqual(numbers("conv0", 1), first);
    for (const [name, seed] of [["conv0", 2], ["conv1", 1], ["0conv", 1]] as const) {
      const others = new Set(numbers(name, seed));
      assert.ok(first.every((value) => !others.has(value)), `${name} of seed ${seed}`);
    }
  });
}

Deno.test("constant: the same number everywhere", () => {
  assert.deepEqual(constant([2, 3], 1.5), new Float32Array(6).fill(1.5));
});
