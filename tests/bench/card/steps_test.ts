import assert from "node:assert/strict";
import { parseCifar } from "../../../tasks/training/cifar_options.ts";
import { parseBench } from "../options.ts";
import type { KernelRow, Row } from "../rows.ts";
import { exists } from "../../../data/exists.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { runSteps } from "./run_steps.ts";
import { benchFigures, cardSteps } from "./steps.ts";

const ROOT = new URL("../../../", import.meta.url).pathname;

const CARD = "NVIDIA X";

function of(value: number) {
  return { median: value, low: value, high: value, n: 1 };
}

function machine(adapter: string): Row {
  const rest = { target: "", cores: 1, version: "", date: "", command: "" };
  return { kind: "machine", adapter, vendor: "", is_software: false, deno: "", ...rest };
}

function kernel(convolution: string, share: number): KernelRow {
  const rates = { gflop_per_second: of(1), gb_per_second: of(1), share: of(share) };
  const which = { pass: "forward", networks: [], dtype: "f32", batch: 1, variant: null } as const;
  return { kind: "kernel", convolution, ms: of(1), ...which, ...rates };
}

function figuresOf(...rows: Row[]): string[] {
  return benchFigures(rows, { command: "deno task bench", adapter: CARD }).map(
    ({ what, value, isRight = true }) => `${isRight ? "" : "wrong: "}${`${what} ${value}`.trim()}`,
  );
}

Deno.test("benchFigures: a peer's failure is no fault of ours, another adapter's figures are", () => {
  const step = "AT WRN-16-1 from WRN-16-2";
  assert.deepEqual(
    figuresOf(
      machine(CARD),
      {
        kind: "peer step",
        peer: "torch eager",
        step,
        batch: 1,
        ms: { median: 2, low: 1, high: 3, n: 3 },
        ours_ms: of(1),
        ratio: 2,
        difference: null,
      },
      { kind: "failure", what: `PyTorch, ${step}`, message: "needs CUDA" },
      { kind: "failure", what: step, message: "the loss is NaN" },
    ),
    [
      "torch eager 2.00 ms (1.00 to 3.00)",
      `PyTorch, ${step} needs CUDA`,
      `wrong: ${step} the loss is NaN`,
    ],
  );
  assert.deepEqual(figuresOf(machine("llvmpipe")), ["wrong: WRONG adapter: llvmpipe"]);
});

Deno.test("benchFigures: the share of the peak is that of wide convolutions at stride 1", () => {
  assert.deepEqual(
    figuresOf(
      { kind: "ceiling", name: "multiply-add", unit: "GFLOP/s", per_second: of(61e12) },
      kernel("3x3 64>64 56x56", 0.1),
      kernel("3x3 128>256 28x28/2", 0.05),
      kernel("3x3 128>128 28x28", 0.4),
      kernel("3x3 512>512 7x7", 0.3),
      kernel("1x1 256>512 14x14", 0.01),
    ),
    ["forward 30.0 to 40.0 % of 61000 GFLOP/s"],
  );
});

/** What a task makes of its arguments; for scripts and tests whether they are there. */
async function read([deno, ...words]: readonly string[]): Promise<string> {
  assert.equal(deno, "deno");
  const [command, task, ...args] = words;
  if (command === "info") return command;
  if (command === "task" && task === "cifar") return `cifar ${parseCifar(args).kind}`;
  if (command === "task" && task === "bench") return `bench ${parseBench(args).kind}`;
  const files = words.filter((word) => word.startsWith("tests/"));
  assert.ok(files.length > 0 && (command === "run" || task === "test"), words.join(" "));
  for (const file of files) assert.ok(await exists(ROOT + file), file);
  return command === "run" ? "script" : "test";
}

for (const rehearses of [false, true]) {
  Deno.test(`cardSteps: every command can be read, ${rehearses ? "in small" : "in full"}`, async () => {
    await using folder = await tempFolder();
    const out = folder.path;
    const found: string[] = [];
    const steps = cardSteps({
      adapter: CARD,
      out,
      dataroot: "/data",
      torch: { python: "python3" },
      rehearses,
      async run(words) {
        found.push(await read(words));
        const saved = `${out}/logs/${words[words.indexOf("--save") + 1]}`;
        await Deno.mkdir(saved, { recursive: true });
        await Deno.writeTextFile(`${saved}/model.safetensors`, "the same");
        return { code: 0, text: '{"denoDir":"d"}' };
      },
    });
    const stop = new AbortController().signal;
    const outcomes = await runSteps(steps, { seconds: 1e4, stop, onOutcome: () => {} });
    assert.deepEqual(outcomes.filter(({ isRight }) => !isRight), []);
    const counts = Object.entries(Object.groupBy(found, (name) => name));
    assert.deepEqual(counts.map(([name, all]) => `${all?.length} ${name}`), [
      "2 script",
      "3 test",
      "6 cifar train",
      "1 info",
      "1 cifar profile",
      "5 bench run",
    ]);
  });
}
