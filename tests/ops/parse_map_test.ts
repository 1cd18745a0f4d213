import assert from "node:assert/strict";
import { parseMap } from "../../lib/ops/parse_map.ts";

Deno.test("parseMap: sums and maxima with and without a power", () => {
  assert.deepEqual(parseMap("sum"), { reduce: "sum", power: 1 });
  assert.deepEqual(parseMap("sum^1"), { reduce: "sum", power: 1 });
  assert.deepEqual(parseMap("sum^1.5"), { reduce: "sum", power: 1.5 });
  assert.deepEqual(parseMap("sum^4"), { reduce: "sum", power: 4 });
  assert.deepEqual(parseMap("max"), { reduce: "max", power: 1 });
  assert.deepEqual(parseMap("max^1"), { reduce: "max", power: 1 });
  assert.deepEqual(parseMap("max^12"), { reduce: "max", power: 12 });
});

const WRONG = ["max^0", "sum^0.5", "max^-1", "mean", "sum^", "sum2", "sum^1e3", "SUM", ""];
for (const name of [...WRONG, `sum^${"9".repeat(39)}`]) {
  Deno.test(`parseMap: refuses "${name}"`, () => {
    assert.throws(() => parseMap(name), {
      name: "RangeError",
      message: `Cannot take the map ${name}: ` +
        `wanted sum, max, sum^p or max^p with p of at least 1; found ${name}`,
    });
  });
}
