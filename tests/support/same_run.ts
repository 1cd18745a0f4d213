import assert from "node:assert/strict";
import { assertSameBytes } from "./assert_same_bytes.ts";
import { timelessLinesOf } from "./tiny_run.ts";

/** Asserts that two runs came to the same bits, and logged the same but for their names and what the clock decides. */
export async function assertSameRun(run: string, wanted: string): Promise<void> {
  for (const file of ["model.safetensors", "best.safetensors"]) {
    const bytes = await Deno.readFile(`${wanted}/${file}`);
    assertSameBytes(await Deno.readFile(`${run}/${file}`), bytes, file);
  }
  const steps = (path: string) => timelessLinesOf(path, "steps.jsonl");
  assert.deepEqual(await steps(run), await steps(wanted));
  const epochs = async (path: string) =>
    (await timelessLinesOf(path, "log.txt")).map((line) => ({ ...line, save: "" }));
  assert.deepEqual(await epochs(run), await epochs(wanted));
}
