import assert from "node:assert/strict";
import { NO_ADAPTER, runTask } from "../../support/command.ts";
import { isOnCard } from "../../support/gpu.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { runToFile } from "./child.ts";
import { type CardStep, type Figure, type Outcome, runSteps } from "./run_steps.ts";
import { cardTable, lineOf } from "./table.ts";

const cwd = import.meta.dirname ?? ".";
const COMMAND = "deno task x";

function figure(value: string, more: Partial<Figure> = {}): Figure {
  return { what: "", value, command: COMMAND, ...more };
}

function step(name: string, run: CardStep["run"], limit = 10): CardStep {
  return { name, limit, run };
}

/** A step that ends when it is told to, with what it has. */
const ENDLESS = step("endless", (signal) =>
  new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve([figure("one of two")]), { once: true });
  }), 0.05);
const FINE = step("fine", () => Promise.resolve([figure("1 ms"), figure("2 ms", { what: "b" })]));
const BROKEN = step("broken", () => Promise.reject(new Error("Cannot read x\nthe stack")));
const WRONG = step("wrong", () => {
  return Promise.resolve([figure("a | b", { isRight: false, command: "" })]);
});

async function outcomesOf(
  steps: readonly CardStep[],
  { seconds = 60, stop = new AbortController().signal, grace = 5 } = {},
): Promise<Outcome[]> {
  const told: Outcome[] = [];
  const outcomes = await runSteps(steps, {
    seconds,
    stop,
    grace,
    onOutcome: (outcome) => void told.push(outcome),
  });
  assert.deepEqual(told, outcomes);
  return outcomes.map((outcome) => ({ ...outcome, seconds: Math.round(outcome.seconds) }));
}

Deno.test("runSteps: no step stops the ones after it", async () => {
  const lines = (await outcomesOf([ENDLESS, BROKEN, WRONG, FINE])).map(lineOf);
  assert.deepEqual(lines, [
    "endless (0 s) FAILED: one of two; cut off after 0.050 s",
    "broken (0 s) FAILED: Cannot read x the stack",
    "wrong (0 s) FAILED: a | b",
    "fine (0 s): 1 ms; b 2 ms",
  ]);
});

Deno.test("runSteps: a step that does not fit in the time left is left out, a shorter one is not", async () => {
  const long = step("long", () => Promise.resolve([figure("never")]), 100);
  const outcomes = await outcomesOf([long, FINE], { seconds: 20 });
  assert.deepEqual(outcomes.map(lineOf), [
    "long (0 s): left out: 20 s are left, it may take 100",
    "fine (0 s): 1 ms; b 2 ms",
  ]);
  assert.ok(outcomes.every(({ isRight }) => isRight));
});

Deno.test("runSteps: a step has no more than the time left", async () => {
  const [outcome] = await outcomesOf([{ ...ENDLESS, limit: 0.3 }], { seconds: 0.2 });
  assert.match(outcome?.fault ?? "", /^cut off after 0\.(?:19|20)\d s$/);
});

Deno.test("runSteps: a step that never ends is given up", async () => {
  const deaf = step("deaf", () => new Promise(() => {}), 0.05);
  const outcomes = await outcomesOf([deaf, FINE], { grace: 0.05 });
  assert.deepEqual(outcomes.map(lineOf), [
    "deaf (0 s) FAILED: cut off after 0.050 s",
    "fine (0 s): 1 ms; b 2 ms",
  ]);
});

Deno.test("runSteps: what is stopped ends the step under way and leaves out the rest", async () => {
  const stop = new AbortController();
  const stopping = step("stopping", (signal) => {
    stop.abort();
    return Promise.resolve([figure(`aborted ${signal.aborted}`)]);
  });
  const outcomes = await outcomesOf([stopping, FINE], { stop: stop.signal });
  assert.deepEqual(outcomes.map(lineOf), [
    "stopping (0 s) FAILED: aborted true; stopped",
    "fine (0 s): left out: stopped",
  ]);
});

Deno.test("cardTable: a row a figure, and why others are missing", async () => {
  const outcomes = await outcomesOf([FINE, WRONG, BROKEN]);
  assert.equal(
    cardTable(outcomes, "NVIDIA X, driver 1, 2026-11-27"),
    `NVIDIA X, driver 1, 2026-11-27

| what | found | command |
| - | - | - |
| fine | 1 ms | \`deno task x\` |
| fine, b | 2 ms | \`deno task x\` |
| wrong | a \\| b | |
| broken | Cannot read x the stack | |
`,
  );
});

Deno.test("runToFile: keeps what a process says, and ends it with all that it has started", async () => {
  await using folder = await tempFolder();
  const path = `${folder.path}/both.txt`;
  const words = ["sh", "-c", "echo on; echo $INIT_CWD; echo out >&2; sleep 600 & sleep 600"];
  const stop = new AbortController();
  const child = step("child", async (signal) => {
    const { code, text } = await runToFile(words, { out: folder.path, name: "both", signal });
    return [figure(text, { what: `${code}` })]; // The streams end with the last process that has them.
  });
  const running = outcomesOf([child], { stop: stop.signal });
  while (!(await Deno.readTextFile(path).catch(() => "")).includes("out")) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  stop.abort();
  const [found] = (await running)[0]?.figures ?? [];
  assert.equal(found?.what, "137");
  assert.deepEqual(found.value.split("\n").sort(), ["", folder.path, "on", "out"].sort());
  assert.equal(await Deno.readTextFile(path), found.value);
});

Deno.test("card: without a card, or with a wrong flag, one line and nothing is made", async () => {
  await using folder = await tempFolder();
  const at = (...flags: string[]) => ["--out", `${folder.path}/out`, ...flags];
  const cases: [string[], Record<string, string>, number, RegExp][] = [
    [at(), NO_ADAPTER, 1, /^error: Cannot try the card: wanted .*, found no adapter.*\n$/],
    [at("--minutes=0"), {}, 2, /^error: Cannot read --minutes: expected more than 0, found 0\n$/],
    [
      at("--dataroot=."),
      {},
      1,
      /^error: Cannot read CIFAR-10: wanted cifar-10-batches-bin or .*\n$/,
    ],
  ];
  if (!await isOnCard()) {
    cases.push([
      at("--minutes=0.001"),
      {},
      1,
      /^error: Cannot try the card: .*on the CPU.*--rehearse.*\n$/,
    ]);
  }
  for (const [args, env, wanted, message] of cases) {
    const { code, stdout, stderr } = await runTask("card", args, { cwd, env });
    assert.deepEqual([code, stdout], [wanted, ""]);
    assert.match(stderr, message);
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder.path)), []);
  }
});
