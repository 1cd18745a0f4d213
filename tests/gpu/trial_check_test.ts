import assert from "node:assert/strict";
import type { RealType } from "../../lib/gpu/dtype.ts";
import { TrialCheck } from "../../lib/gpu/trial_check.ts";
import type { Trial } from "../../lib/gpu/tuning.ts";
import { testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";

/** Five channels are stored as eight, and two workgroups compare them. */
const SHAPE = [28, 33, 5] as const;
const SIZE = 28 * 33 * 5;
const EXACT = Float64Array.from({ length: SIZE }, (_, at) => 1 + Math.sin(at));

/** A result that is off by so much, up and down in turns. */
function off(error: number): Float32Array {
  return Float32Array.from(EXACT, (value, at) => value + (at % 2 === 0 ? error : -error));
}

/** A result that is off in one number only. */
function offAt(place: number, value: number): Float32Array {
  const values = off(0);
  values[place] = value;
  return values;
}

function exact(inputs: readonly Float32Array[], places: readonly number[]): number[] {
  assert.deepEqual(inputs, [new Float32Array([7])]);
  assert.equal(places.length, 64);
  return places.map((place) => EXACT[place] ?? NaN);
}

/** Judges results by the first of them, and counts the buffers that are left. */
async function judge(
  results: readonly Float32Array[],
  { exact, dtype = "f32" }: { exact?: Trial["exact"]; dtype?: RealType } = {},
): Promise<(string | null)[]> {
  const gpu = await testGpu();
  const before = gpu.bufferCount;
  const faults: (string | null)[] = [];
  {
    using held = new DisposableStack();
    const tensors = results.map((values) => held.use(gpu.tensor(values, SHAPE, { dtype })));
    const [plain] = tensors;
    assert.ok(plain !== undefined);
    const options = { inputs: [new Float32Array([7])], tolerance: 1e-3, exact };
    const check = held.use(new TrialCheck(plain, options));
    for (const tensor of tensors) faults.push(await check.faultOf(tensor));
  }
  assert.equal(gpu.bufferCount, before);
  return faults;
}

Deno.test("TrialCheck: every result is held against the first, within the tolerance", async () => {
  const [first, near, far, none] = await judge([off(0), off(1e-3), off(3e-3), off(NaN)]);
  assert.deepEqual([first, near], [null, null]);
  assert.equal(far, "wrong by 0.0015 of the largest value (at most 0.001)");
  assert.match(none ?? "", /^wrong by NaN/);
});

Deno.test("TrialCheck: a single number that is wrong is found, wherever it is", async () => {
  const places = [0, 6, SIZE / 2 + 2, SIZE / 2 + 3, SIZE - 1];
  const wrong = places.flatMap((place) => [offAt(place, -1), offAt(place, NaN)]);
  const [first, ...others] = await judge([off(0), ...wrong]);
  assert.equal(first, null);
  for (const fault of others) assert.match(fault ?? "", /^wrong by (NaN|[01]\.\d+) of the largest/);
  assert.equal(others.filter((fault) => fault?.includes("NaN")).length, places.length);
});

Deno.test("TrialCheck: a first result of zeros, or with NaN, is wrong itself", async () => {
  for (const values of [new Float32Array(SIZE), offAt(1234, NaN)]) {
    assert.match((await judge([values]))[0] ?? "", /^wrong by NaN/);
  }
});

Deno.test("TrialCheck: with exact values, an error of four times the first one's is too much", async () => {
  const results = [off(1e-4), off(2e-5), off(3.9e-4), off(4.1e-4)];
  assert.deepEqual(await judge(results), [null, null, null, null]);
  const [first, better, near, far] = await judge(results, { exact });
  assert.deepEqual([first, better, near], [null, null, null]);
  assert.equal(far, "its rounding error is 4.1 times the plain one's (at most 4)");
});

Deno.test("TrialCheck: nobody is asked to be better than the rounding of a result", async () => {
  assert.deepEqual(await judge([off(0), off(1e-7)], { exact }), [null, null]);
  assert.match((await judge([off(0), off(1e-6)], { exact }))[1] ?? "", /^its rounding error/);
});

testIn("f16", "TrialCheck: results in half precision", async () => {
  const [first, near, far] = await judge([off(0), off(5e-4), off(1e-2)], { dtype: "f16" });
  assert.deepEqual([first, near], [null, null]);
  assert.match(far ?? "", /^wrong by 0\.00\d+ of the largest value/);
});
