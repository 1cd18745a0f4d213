import assert from "node:assert/strict";
import { judge, total } from "./judge.ts";

const GOOD =
  "\x1b[0mok\x1b[0m | 12 passed (3 steps) | 0 failed | 1 ignored | 2 filtered out \x1b[2m(1m2s)\x1b[0m\n\n";
const BAD = "FAILED | 11 passed | 2 failed (1 step) (8ms)\n\n";
const normal = { code: 0, signal: null };

Deno.test("judge: a complete summary gives the counts", () => {
  assert.deepEqual(judge({ output: `some ... ok (1ms)\n\n${GOOD}`, ...normal }), {
    passed: 12,
    failed: 0,
  });
  assert.deepEqual(judge({ output: "ok | 3 passed | 0 failed (434ms)\n", ...normal }), {
    passed: 3,
    failed: 0,
  });
});

Deno.test("judge: failed tests count, whatever the exit", () => {
  for (const ending of [normal, { code: 1, signal: null }, { code: 134, signal: "SIGABRT" }]) {
    assert.deepEqual(judge({ output: BAD, ...ending }), { passed: 11, failed: 2 });
  }
});

Deno.test("judge: an abort after the summary is noted and is no failure", () => {
  assert.deepEqual(judge({ output: GOOD, code: 134, signal: "SIGABRT" }), {
    passed: 12,
    failed: 0,
    note: "deno test ended by SIGABRT after its complete summary, which counts",
  });
});

Deno.test("judge: an abort before the summary is one failure", () => {
  const expected = { passed: 0, failed: 1, note: "deno test ended by SIGABRT before its summary" };
  const endings = [
    "",
    "unit: fact ... ",
    "ok | 12 passed | 0 fail",
    "ok | 12 passed | 0 failed (4",
  ];
  for (const output of endings) {
    assert.deepEqual(judge({ output, code: 134, signal: "SIGABRT" }), expected, output);
  }
});

Deno.test("judge: a summary that a test printed does not count", () => {
  const output = `${GOOD}------- output end -----\nunit: fact ... `;
  assert.equal(judge({ output, code: 134, signal: "SIGABRT" }).failed, 1);
});

Deno.test("judge: an error before any test is one failure", () => {
  assert.deepEqual(judge({ output: "", code: 1, signal: null }), {
    passed: 0,
    failed: 1,
    note: "deno test ended with exit code 1 before its summary",
  });
});

Deno.test("total: the sums of all runs, and no test at all is a failure", () => {
  const none = judge({ output: "ok | 0 passed | 0 failed | 12 filtered out (0ms)\n", ...normal });
  assert.deepEqual(none, { passed: 0, failed: 0 });
  assert.deepEqual(total([none, none]), { passed: 0, failed: 1 });
  assert.deepEqual(total([none, { passed: 3, failed: 1 }, { passed: 2, failed: 2, note: "" }]), {
    passed: 5,
    failed: 3,
  });
});

Deno.test("judge: an exit code other than 0 without a signal is a failure", () => {
  assert.deepEqual(judge({ output: GOOD, code: 1, signal: null }), {
    passed: 12,
    failed: 1,
    note: "deno test ended with exit code 1, though no test failed",
  });
});
