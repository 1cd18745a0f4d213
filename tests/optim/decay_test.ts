import assert from "node:assert/strict";
import { decay } from "../../lib/optim/decay.ts";
import { assertClose } from "../support/assert_close.ts";

const EPOCHS = 4;

function factorsOf(name: string): number[] {
  return [1, 2, 3, 4].map((epoch) => decay(name)(epoch, EPOCHS));
}

Deno.test("decay: each form begins at 1 and falls as its formula says", () => {
  assert.deepEqual(factorsOf("none"), [1, 1, 1, 1]);
  assert.deepEqual(factorsOf("linear"), [1, 0.75, 0.5, 0.25]);
  assertClose(factorsOf("cosine"), [1, (1 + Math.SQRT1_2) / 2, 0.5, (1 - Math.SQRT1_2) / 2], {
    atol: 1e-12,
  });
  assertClose(factorsOf("exp:2"), [1, Math.exp(-0.5), Math.exp(-1), Math.exp(-1.5)], {
    atol: 1e-12,
  });
  assert.deepEqual(factorsOf("exp"), factorsOf("exp:5"));
  assert.deepEqual(factorsOf("exp:0"), [1, 1, 1, 1]);
});

Deno.test("decay: refuses other names", () => {
  for (
    const name of ["", "step", "exp:", "exp:-1", "exp:x", "exp:1:2", "linear:2", "exp:Infinity"]
  ) {
    assert.throws(() => decay(name), {
      name: "RangeError",
      message: `Cannot decay a weight: wanted none, linear, cosine, exp or exp:rate, found ${name}`,
    });
  }
});
