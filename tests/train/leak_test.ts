import assert from "node:assert/strict";

const SCRIPT = `${import.meta.dirname}/../support/leak_run.ts`;
const MEGABYTE = 2 ** 20;

Deno.test("fit: 2,000 steps leave neither buffers nor memory behind", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND",
      SCRIPT,
    ],
    stderr: "inherit",
  }).output();
  const looks = new TextDecoder().decode(stdout).trim().split("\n");
  const [early, late] = looks.map((line) => JSON.parse(line));
  assert.deepEqual([early.step, late.step], [200, 2000]);
  assert.equal(late.buffers, early.buffers, "buffers after step 2,000 and after step 200");
  const grown = (late.rss - early.rss) / MEGABYTE;
  assert.ok(grown < 20, `resident memory grew by ${grown.toFixed(1)} MB`);
});
