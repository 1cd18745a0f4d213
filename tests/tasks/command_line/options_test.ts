import assert from "node:assert/strict";
import { parseFlags } from "../../../tasks/command_line/options.ts";
import { toggle } from "../../../tasks/command_line/flags.ts";

const TEXT = { name: "draw", about: "Draws.", closing: "End." };

Deno.test("parseFlags: a flag without a default shows none", () => {
  const flags = { fast: toggle("Run:", "Hurries") };
  const parsed = parseFlags(["--help"], { flags, text: TEXT, defaults: { fast: false } });
  assert.ok(parsed.kind === "print");
  assert.match(parsed.text, /^Usage: draw \[flags\]\n\nDraws\.\n\nRun:\n {2}--fast +Hurries\n/);
  assert.ok(parsed.text.endsWith("\nEnd."));
});

async function runScript(main: string, ...argv: string[]): Promise<[number, string, string]> {
  const options = new URL("../../../tasks/command_line/options.ts", import.meta.url);
  const flags = new URL("../../../tasks/command_line/flags.ts", import.meta.url);
  const config = new URL("../../../deno.json", import.meta.url);
  const folder = await Deno.makeTempDir();
  const script = `${folder}/main.ts`;
  await Deno.writeTextFile(
    script,
    `import { runCommand } from "${options}";
    import { UsageError } from "${flags}";
    await runCommand((argv) => { ${main} });`,
  );
  const { code, stdout, stderr } = await new Deno.Command("deno", {
    args: ["run", "--no-lock", "--config", config.pathname, script, ...argv],
    env: { NO_COLOR: "1" },
  }).output();
  await Deno.remove(folder, { recursive: true });
  const decoder = new TextDecoder();
  return [code, decoder.decode(stdout), decoder.decode(stderr)];
}

const BRANCHES = `
  if (argv[0] === "usage") throw new UsageError("Cannot read --a: expected b");
  if (argv[0] === "failure") throw new RangeError("Cannot open c");
  console.log(argv.join());
  return Promise.resolve(130);`;

Deno.test("runCommand: an outcome gives its exit code and at most one line", async () => {
  const [result, usage, failure, debug] = await Promise.all([
    runScript(BRANCHES, "x"),
    runScript(BRANCHES, "usage"),
    runScript(BRANCHES, "failure"),
    runScript(BRANCHES, "failure", "--debug"),
  ]);
  assert.deepEqual(result, [130, "x\n", ""]);
  assert.deepEqual(usage, [2, "", "error: Cannot read --a: expected b\n"]);
  assert.deepEqual(failure, [1, "", "error: Cannot open c\n"]);
  assert.deepEqual(debug.slice(0, 2), [1, ""]);
  assert.match(debug[2], /RangeError: Cannot open c\n +at /);
});
