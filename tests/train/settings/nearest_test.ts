import assert from "node:assert/strict";
import { nearestWords } from "../../../lib/train/settings/nearest.ts";

Deno.test("nearestWords: counts letters that are replaced, missing or too many", () => {
  const words = ["alpha", "beta", "depth", "width"];
  for (const word of ["bta", "bets", "betaa", "ebta"]) {
    assert.equal(nearestWords(word, words)[0], "beta", word);
  }
  assert.deepEqual(nearestWords("deph", words).slice(0, 1), ["depth"]);
});

Deno.test("nearestWords: case, dashes and underscores do not count", () => {
  assert.deepEqual(nearestWords("CIFAR-10", ["CIFAR100", "cifar_10"]), ["cifar_10", "CIFAR100"]);
});

Deno.test("nearestWords: a candidate that contains the word comes before an edited one", () => {
  assert.equal(nearestWords("batch", ["beta", "batch_size"])[0], "batch_size");
});

Deno.test("nearestWords: keeps the order of equals, and takes empty words", () => {
  assert.deepEqual(nearestWords("x", ["b", "a"]), ["b", "a"]);
  assert.deepEqual(nearestWords("", ["ab", "a", ""]), ["", "a", "ab"]);
  assert.deepEqual(nearestWords("x", []), []);
});
