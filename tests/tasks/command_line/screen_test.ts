import assert from "node:assert/strict";
import { createProgress } from "../../../tasks/command_line/progress.ts";
import { Screen, type Sink } from "../../../tasks/command_line/screen.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const SCRIPT = `${import.meta.dirname}/../../support/screen_run.ts`;

/** A sink that takes three bytes at a time, and throws what it is told to. */
class FakeSink implements Sink {
  text = "";
  readonly faults: (Error | null)[] = [];

  constructor(private readonly isTTY = false) {}

  writeSync(bytes: Uint8Array): number {
    const fault = this.faults.length > 1 ? this.faults.shift() : this.faults[0];
    if (fault) throw fault;
    this.text += new TextDecoder().decode(bytes.subarray(0, 3));
    return Math.min(3, bytes.length);
  }

  isTerminal(): boolean {
    return this.isTTY;
  }
}

Deno.test("Screen: what fails is dropped, and each write is tried anew", () => {
  const sink = new FakeSink();
  const told: string[] = [];
  const screen = new Screen(sink, ({ message }) => told.push(message));
  assert.equal(screen.put("epoch 1\n"), null);
  sink.faults.push(new Error("No space left on device"));
  assert.equal(screen.put("epoch 2\n")?.message, "No space left on device");
  screen.write("epoch 3\n");
  sink.faults.length = 0;
  screen.write("epoch 4\n");
  assert.equal(sink.text, "epoch 1\nepoch 4\n");
  assert.deepEqual(told, ["No space left on device"]);
});

Deno.test("Screen: a reader that has gone is nothing to tell of", () => {
  const sink = new FakeSink();
  const told: Error[] = [];
  const screen = new Screen(sink, (fault) => told.push(fault));
  sink.faults.push(new Deno.errors.BrokenPipe("Broken pipe"));
  assert.ok(screen.put("epoch 1\n") instanceof Deno.errors.BrokenPipe);
  assert.deepEqual(told, []);
});

Deno.test("Screen: a sink that is busy is waited for", () => {
  const sink = new FakeSink();
  const busy = new Deno.errors.WouldBlock("Resource temporarily unavailable");
  sink.faults.push(busy, null, busy, busy, null);
  assert.equal(new Screen(sink).put("epoch 1\n"), null);
  assert.equal(sink.text, "epoch 1\n");
});

Deno.test("Screen: a bar on a terminal that is closed goes on", () => {
  const sink = new FakeSink(true);
  const screen = new Screen(sink);
  assert.ok(screen.isTTY && screen.columns > 0);
  const state = { epochs: 1, steps: 2, imagesPerSecond: 1, loss: 1, learningRate: 1 };
  using progress = createProgress({ stream: screen });
  progress.update({ ...state, epoch: 1, step: 1, secondsLeft: 1 });
  assert.match(sink.text, /epoch 1\/1/);
  sink.faults.push(new Error("Input/output error"));
  progress.note("a note");
  progress.update({ ...state, epoch: 1, step: 2, secondsLeft: 0 });
  progress.done();
});

/** How the script ended whose output goes where a shell's redirections say. */
async function run(redirections: string, ...args: string[]) {
  await using folder = await tempFolder();
  const file = `${folder.path}/end`;
  const command = `"$0" run -q --no-prompt --allow-write "$@" ${redirections}`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", command, Deno.execPath(), SCRIPT, file, ...args],
    stdin: "null",
  }).output();
  assert.equal(await Deno.readTextFile(file), "to the end", redirections);
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: decode(stdout), err: decode(stderr) };
}

Deno.test({
  name: "say, print: a command comes to its end whatever becomes of its output",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const shown = await run("");
    assert.deepEqual([shown.code, shown.out], [0, "result\n"]);
    assert.match(shown.err, /^set {2}0\.0 MB\nnote 0\n(.*\n)*said\n/);

    const full = "No space left on device (os error 28)";
    const fullScreen = await run("2>/dev/full");
    assert.deepEqual(fullScreen, {
      code: 0,
      out:
        `Cannot write to standard error: ${full}; the command goes on without it\nresult\nsaid\n`,
      err: "",
    });
    const fullOutput = await run(">/dev/full");
    assert.equal(fullOutput.code, 1);
    assert.ok(fullOutput.err.endsWith(`error: Cannot write to standard output: ${full}\n`));

    const all = "> /dev/full 2>&1";
    assert.equal((await run(all)).code, 1, "the result is lost");
    assert.equal((await run(all, "--train")).code, 0, "there is no result");

    // The code is that of the script, not of what reads it.
    for (const gone of ["2>&1 | true; exit ${PIPESTATUS[0]}", ">&- 2>&-"]) {
      assert.deepEqual(await run(gone), { code: 0, out: "", err: "" }, gone);
    }
  },
});
