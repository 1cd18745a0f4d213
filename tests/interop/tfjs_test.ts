import assert from "node:assert/strict";
import { judge } from "../judge.ts";

const PEERS = new URL("../bench/peers/", import.meta.url).pathname;

Deno.test("tfjs: every check with TensorFlow.js on our device holds", async () => {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      `--config=${PEERS}deno.json`,
      "--no-prompt",
      "--allow-env",
      "--allow-read",
      "--allow-sys",
      `${PEERS}interop_checks.ts`,
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const output = new TextDecoder().decode(stdout);
  const { passed, failed } = judge({ output, code, signal });
  assert.equal(failed, 0, output + new TextDecoder().decode(stderr));
  assert.ok(passed >= 15, `${passed} checks ran`);
});
