import assert from "node:assert/strict";
import { TrialCheck } from "../../lib/gpu/trial_check.ts";

const SIZE = 1000;
const EXACT = Float64Array.from({ length: SIZE }, (_, at) => 1 + Math.sin(at));

/** A result that is off by so much, up and down in turns. */
function off(error: number): Float32Array {
  return Float32Array.from(EXACT, (value, at) => value + (at % 2 === 0 ? error : -error));
}

function exact(inputs: readonly Float32Array[], places: readonly number[]): number[] {
  assert.deepEqual(inputs, [new Float32Array([7])]);
  assert.equal(places.length, 64);
  return places.map((place) => EXACT[place] ?? NaN);
}

function judge(results: readonly Float32Array[], values?: typeof exact): (string | null)[] {
  const check = new TrialCheck([new Float32Array([7])], { tolerance: 1e-3, exact: values });
  return results.map((found) => check.faultOf(found));
}

Deno.test("TrialCheck: every result is held against the first, within the tolerance", () => {
  const late = off(0);
  late[SIZE - 1] = 0;
  const [first, near, far, last, none] = judge([
    off(0),
    off(1e-3),
    off(3e-3),
    late,
    off(NaN),
  ]);
  assert.deepEqual([first, near], [null, null]);
  assert.match(far ?? "", /^wrong by 0\.0015 of the largest value \(at most 0\.001\)$/);
  assert.match(last ?? "", /^wrong by 0\.\d+ of the largest value/);
  assert.match(none ?? "", /^wrong by NaN/);
});

Deno.test("TrialCheck: with exact values, an error of four times the first one's is too much", () => {
  const results = [off(1e-4), off(2e-5), off(3.9e-4), off(4.1e-4)];
  assert.deepEqual(judge(results), [null, null, null, null]);
  const [first, better, near, far] = judge(results, exact);
  assert.deepEqual([first, better, near], [null, null, null]);
  assert.equal(far, "its rounding error is 4.1 times the plain one's (at most 4)");
});

Deno.test("TrialCheck: nobody is asked to be better than the rounding of a result", () => {
  assert.deepEqual(judge([off(0), off(1e-7)], exact), [null, null]);
  assert.match(judge([off(0), off(1e-6)], exact)[1] ?? "", /^its rounding error/);
});
