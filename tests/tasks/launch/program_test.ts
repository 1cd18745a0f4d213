import assert from "node:assert/strict";
import { readProgram } from "../../../tasks/launch/program.ts";

const SAY = 'echo "$LD_LIBRARY_PATH $ADDED $HOME"';

Deno.test("readProgram: hands on the environment, the linker's variables and what is added", async () => {
  const before = Deno.env.get("LD_LIBRARY_PATH");
  Deno.env.set("LD_LIBRARY_PATH", "/opt/a b");
  try {
    const { code, text } = await readProgram(["sh", "-c", SAY], { env: { ADDED: "x=y" } });
    assert.deepEqual([code, text], [0, `/opt/a b x=y ${Deno.env.get("HOME")}\n`]);
    assert.equal(Deno.env.get("LD_LIBRARY_PATH"), "/opt/a b");
  } finally {
    if (before === undefined) Deno.env.delete("LD_LIBRARY_PATH");
    else Deno.env.set("LD_LIBRARY_PATH", before);
  }
});

Deno.test("readProgram: 127 where there is no such program", async () => {
  assert.deepEqual(await readProgram(["no-such-program"]), { code: 127, text: "" });
});
