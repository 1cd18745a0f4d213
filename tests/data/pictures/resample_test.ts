import assert from "node:assert/strict";

const PEERS = new URL("../../bench/peers/", import.meta.url).pathname;
const WASM = new URL("../../../data/pictures/resample.wasm", import.meta.url);

Deno.test("resample: the assembled sums are those of the text", async () => {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      `--config=${PEERS}deno.json`,
      "--no-prompt",
      "--allow-read",
      `${PEERS}assemble.ts`,
    ],
    stderr: "inherit",
  }).output();
  assert.ok(success);
  assert.deepEqual(await Deno.readFile(WASM), stdout);
});
