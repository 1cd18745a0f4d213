import assert from "node:assert/strict";
import { judge } from "../judge.ts";
import { testGpu } from "../support/gpu.ts";

const FILES = ["sum", "conv2d_moments", "conv2d_variants"].map((name) =>
  new URL(`${name}_test.ts`, import.meta.url).pathname
);
/** The tests of sums, and of convolutions as many as take every kernel with subgroups. */
const TESTS = [
  "sum:",
  "mean:",
  "finishColumns:",
  "conv2d: rows makes the moments of its result in its store, one part$",
  "conv2d: variants with subgroups .*, (stride 2|few inputs|a 7x7 stem)$",
];

/**
 * Runs Deno with llvmpipe's subgroups of another size: its driver asks when a process starts. What it compiles is not
 * kept: its cache takes no notice of the size. Nor is it optimised, which would take longer than to run it.
 */
async function runWith(lanes: number, args: readonly string[]) {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    env: {
      LP_NATIVE_VECTOR_WIDTH: `${32 * lanes}`,
      MESA_SHADER_CACHE_DISABLE: "true",
      GALLIVM_PERF: "nopt",
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, signal, output: decode(stdout), errors: decode(stderr) };
}

const { adapter } = await testGpu();
const ignore = !adapter.name.startsWith("llvmpipe");

for (const lanes of [4, 16]) {
  const name = `subgroups of ${lanes}: sums and convolutions are right`;
  Deno.test({
    name: `${name}${ignore ? " (ignored: not on llvmpipe)" : ""}`,
    ignore,
    async fn() {
      const info = "(await navigator.gpu.requestAdapter()).info";
      const sizes = `console.log(${info}.subgroupMinSize, ${info}.subgroupMaxSize)`;
      const asked = await runWith(lanes, ["eval", sizes]);
      assert.equal(asked.output, `${lanes} ${lanes}\n`, asked.errors);
      const { errors, ...ending } = await runWith(lanes, [
        "test",
        "--no-check",
        "--no-prompt",
        "--allow-read",
        "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND",
        `--filter=/^(${TESTS.join("|")})/`,
        ...FILES,
      ]);
      const { passed, failed } = judge(ending);
      assert.equal(failed, 0, ending.output + errors);
      assert.ok(passed >= 26, `${passed} passed`);
    },
  });
}
