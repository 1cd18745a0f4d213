import assert from "node:assert/strict";
import { readVariants } from "../../lib/train/read_variants.ts";

Deno.test("readVariants: gives what is there, or nothing", () => {
  const variants = { "double [*, 4] f32": "plain" };
  assert.deepEqual(readVariants({ variants, depth: 16 }, "config.json"), variants);
  assert.deepEqual(readVariants({ variants: {} }, "config.json"), {});
  assert.equal(readVariants({}, "config.json"), null);
});

Deno.test("readVariants: refuses what is not an object of names", () => {
  for (const variants of [null, "plain", ["plain"], { a: 1 }, { a: null }, { a: ["plain"] }]) {
    assert.throws(() => readVariants({ variants }, "logs/a/config.json"), {
      name: "TypeError",
      message: "Cannot read logs/a/config.json: expected an object of names as variants, " +
        `found ${JSON.stringify(variants)}`,
    });
  }
});
