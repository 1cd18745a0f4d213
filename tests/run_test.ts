import assert from "node:assert/strict";

const RUN = `${import.meta.dirname}/run.ts`;

async function runTests(source: string, ...args: string[]) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/scratch_test.ts`, source);
    const { code, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-read", "--allow-run", RUN, folder, "--no-check", ...args],
      stderr: "null",
    }).output();
    const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
    return { code, lines, last: lines.at(-1) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("run: ends with the counts and succeeds if all tests pass", async () => {
  const { code, last } = await runTests('Deno.test("a", () => {}); Deno.test("b", () => {});');
  assert.deepEqual({ code, last }, { code: 0, last: "2 passed, 0 failed" });
});

Deno.test("run: ends with the counts and fails if a test fails", async () => {
  const { code, last } = await runTests(
    'Deno.test("a", () => {}); Deno.test("b", () => { throw new Error("b"); });',
  );
  assert.deepEqual({ code, last }, { code: 1, last: "1 passed, 1 failed" });
});

Deno.test("run: an abort in the middle of the tests is a failure", async () => {
  const { code, lines } = await runTests('Deno.test("a", () => Deno.kill(Deno.pid, "SIGABRT"));');
  assert.equal(code, 1);
  assert.deepEqual(lines.slice(-2), [
    "deno test ended by SIGABRT before its summary",
    "0 passed, 1 failed",
  ]);
});

Deno.test("run: hands arguments on to deno test", async () => {
  const source = 'Deno.test("a", () => {}); Deno.test("b", () => { throw new Error("b"); });';
  assert.equal((await runTests(source, "--filter=a")).last, "1 passed, 0 failed");
  assert.equal((await runTests(source, "--filter=c")).last, "0 passed, 1 failed");
});
