import assert from "node:assert/strict";
import { boundRows } from "./bounds.ts";
import { peerRows, torchRows } from "./peers.ts";
import {
  isRow,
  type KernelRow,
  parseLine,
  type PeerKernelRow,
  type Row,
  type SizeRow,
  type StepRow,
} from "./rows.ts";
import { wideStep } from "./steps.ts";
import { alignColumns, digits, tableOf } from "./table.ts";

function at(median: number) {
  return { median, low: median / 2, high: median * 2, n: 7 };
}

function kernel(convolution: string, share: number): KernelRow {
  const figures = { ms: at(3), gflop_per_second: at(20), gb_per_second: at(1), share: at(share) };
  return {
    kind: "kernel",
    convolution,
    pass: "forward",
    networks: [],
    dtype: "f32",
    batch: 32,
    variant: "plain",
    ...figures,
  };
}

function peer(ratio: number, row: Partial<PeerKernelRow> = {}): PeerKernelRow {
  return {
    kind: "peer kernel",
    peer: "tfjs-webgpu 1",
    convolution: "3x3 16>16 32x32",
    pass: "forward",
    batch: 32,
    ms: at(9),
    ours_ms: at(3),
    ratio: at(ratio),
    difference: 0,
    ...row,
  };
}

const STEP: StepRow = {
  kind: "step",
  step: "AT WRN-16-1 from WRN-16-2",
  student: "WRN-16-1",
  teacher: "WRN-16-2",
  loss: "AT",
  dtype: "f32",
  batch: 128,
  gflop: 46,
  dispatches: 160,
  peak_mib: 100,
  ms: at(2000),
  images_per_second: 64,
  gflop_per_second: at(23),
  share: at(0.23),
};

function verdicts(rows: readonly Row[], isSoftware = true): unknown[] {
  return boundRows(rows, { isSoftware }).map(({ item, value, bound, holds }) => [
    item,
    value,
    bound,
    holds,
  ]);
}

Deno.test("boundRows: median and least of the kernels from 16 channels on, strides apart", () => {
  const rows = [
    kernel("3x3 16>16 32x32", 0.25),
    kernel("3x3 32>32 16x16", 0.5),
    kernel("3x3 64>64 8x8", 0.0625),
    kernel("3x3 16>32 32x32/2", 0.03125),
    kernel("3x3 3>16 32x32", 0.01),
    kernel("1x1 16>32 32x32/2", 0.01),
  ];
  assert.deepEqual(verdicts(rows), [
    [2, 25, 22, true],
    [2, 6.25, 12, false],
    [2, 3.125, null, null],
    [2, 3.125, null, null],
  ]);
});

Deno.test("boundRows: the least ratio to a peer counts, the stem's input gradient too", () => {
  const rows = [
    peer(20),
    peer(6),
    peer(11, { convolution: "3x3 3>16 32x32", pass: "input gradient" }),
    peer(12, { pass: "input gradient" }),
    peer(29, { pass: "weight gradient" }),
    peer(4.5, { peer: "jax-js 0", pass: "weight gradient" }),
  ];
  assert.deepEqual(verdicts(rows), [
    [1, 6, 5, true],
    [1, 11, 10, true],
    [1, 29, 30, false],
    [1, 4.5, 4, true],
  ]);
});

Deno.test("boundRows: steps against TensorFlow.js and PyTorch, by their batch", () => {
  const step = (peer: string, batch: number, ratio: number): Row => ({
    kind: "peer step",
    peer,
    step: STEP.step,
    batch,
    ms: at(1),
    ours_ms: at(1),
    ratio,
    difference: null,
  });
  const rows = [
    STEP,
    step("tfjs-webgpu 1", 32, 8),
    step("torch 2 cpu fp32 eager", 128, 0.25),
    step("torch 2 cpu tf32 eager", 128, 9),
  ];
  assert.deepEqual(verdicts(rows), [[2, 23, 16, true], [1, 8, 9, false], [3, 4, 9, true]]);
  assert.deepEqual(verdicts(rows, false), [[8, 0.25, 1, false], [8, 2000, 2.5, false]]);
  assert.deepEqual(
    verdicts([step("torch 2 cpu fp32 eager", 32, 0.25), { ...STEP, batch: 32 }]),
    [],
  );
});

function size(batch: number, ratio: number): SizeRow {
  const summary = (median: number) => ({ median, low: median, high: median, n: 3 });
  return {
    kind: "size",
    step: STEP.step,
    batch,
    ms_an_image: summary(9 * ratio),
    times_first: summary(ratio),
  };
}

Deno.test("boundRows: time grows with the batch within 15 %, whichever way it departs", () => {
  const holds = (...ratios: number[]) =>
    boundRows(ratios.map((ratio, at) => size(64 << at, ratio)), { isSoftware: true })
      .map(({ item, value, holds }) => [item, Number(value.toFixed(3)), holds]);
  assert.deepEqual(holds(1, 0.9, 1.03), [[6, 1.144, true]]);
  assert.deepEqual(holds(1, 1.2), [[6, 1.2, false]]);
  assert.deepEqual(holds(1, 0.8), [[6, 1.25, false]]);
  assert.deepEqual(holds(1), []);
});

Deno.test("tableOf: a title, then as many cells a row as the head names", () => {
  const rows = [kernel("3x3 16>16 32x32", 0.25), STEP, size(64, 1), peer(20)];
  for (const { kind } of rows) {
    const [empty, title, head = "", line = "", ...more] = tableOf(rows, kind);
    assert.deepEqual([empty, more], ["", []]);
    assert.ok(title !== undefined && title !== "");
    const cells = line.split(/ {2,}/).length;
    assert.equal(cells, head.trim().split(/ {2,}/).length + 1, `${head}\n${line}`);
  }
  const bounds = tableOf(boundRows([STEP], { isSoftware: true }), "bound");
  assert.match(bounds.at(-1) ?? "", /^2\. .*batch 128 +23.0 +at least 16 +25 +holds$/);
  assert.deepEqual(tableOf(rows, "ceiling"), []);
  assert.deepEqual(tableOf([{ kind: "failure", what: "a", message: "b" }], "failure"), ["a: b"]);
});

Deno.test("alignColumns, digits: numbers to the right, three digits that count", () => {
  assert.deepEqual(alignColumns([["a", "1"], ["bcd", "100"]]), ["a      1", "bcd  100"]);
  assert.deepEqual([1234.5, 12.34, 1.234, 0.1234, NaN].map(digits), [
    "1235",
    "12.3",
    "1.23",
    "0.123",
    "-",
  ]);
});

Deno.test("parseLine, isRow: only objects, only known kinds", () => {
  assert.deepEqual(parseLine('{"kind":"x"}'), { kind: "x" });
  for (const line of ["", "warning", "{", "[1]", '"x"']) assert.equal(parseLine(line), null);
  assert.ok(isRow({ kind: "failure" }) && !isRow({ kind: "x" }) && !isRow({}));
});

const TASK = { convolutions: [], batch: 1, steps: false, stepBatch: 1, samples: 1, seconds: 0.1 };

Deno.test("peers: one that is not there or fails is a row, not an error", async () => {
  const step = wideStep("AT", [16, 1], [16, 2]);
  const torch = (command: string[]) =>
    Array.fromAsync(torchRows(command, { step, ours: STEP, samples: 3, isSoftware: true }));
  const rows = [
    ...await Array.fromAsync(peerRows("no_such_peer.ts", TASK)),
    ...await torch(["/no/such/program"]),
    ...await torch([Deno.execPath(), "eval", "--quiet", "console.error('no torch'); Deno.exit(3)"]),
  ];
  assert.deepEqual(rows.map(({ kind }) => kind), ["failure", "failure", "failure"]);
  const [, , last] = rows;
  assert.ok(last?.kind === "failure");
  assert.match(last.message, /ended with code 3, saying "no torch"$/);
});

Deno.test("peers: PyTorch's line becomes a row with its ratio to ours", async () => {
  const line = {
    peer: "torch 2",
    device: "cpu",
    precision: "fp32",
    mode: "eager",
    ms_median: 500,
    ms_low: 400,
    ms_high: 600,
    n: 5,
  };
  const script = `
    console.log("a warning");
    console.log(JSON.stringify({ ...${JSON.stringify(line)}, peer: Deno.args.join(" ") }));`;
  const command = [Deno.execPath(), "eval", "--quiet", script];
  const step = wideStep("AT", [16, 1], [40, 1]);
  const [row, ...more] = await Array.fromAsync(
    torchRows(command, { step, ours: STEP, samples: 3, isSoftware: true }),
  );
  assert.ok(row?.kind === "peer step" && more.length === 0);
  assert.match(
    row.peer,
    /--job cifar --depth 16 --width 1 --teacher 40,1 .*--batch 128 --loss at --reps 3 cpu fp32 eager$/,
  );
  assert.equal(row.ratio, 0.25);
  assert.deepEqual(row.ms, { median: 500, low: 400, high: 600, n: 5 });
});

Deno.test("peers: on a GPU, PyTorch runs in a graph, with TF32 and AMP too, and AMP stands beside half", async () => {
  const step = wideStep("AT", [16, 1], [16, 2]);
  const script = `console.log(JSON.stringify({
    peer: Deno.args.slice(Deno.args.indexOf("--steps") + 2).join(" "),
    ms_median: 1, ms_low: 1, ms_high: 1, n: 1 }));`;
  const modes = async (ours: StepRow) => {
    const command = [Deno.execPath(), "eval", "--quiet", script];
    const rows = await Array.fromAsync(
      torchRows(command, { step, ours, samples: 3, isSoftware: false }),
    );
    return rows.map((row) => row.kind === "peer step" ? row.peer.trim() : row.kind);
  };
  const amp = ["--precision amp", "--precision amp --channels-last"];
  assert.deepEqual(await modes(STEP), [
    "",
    "--mode graph",
    "--precision tf32",
    "--precision tf32 --mode graph",
    ...amp,
  ]);
  assert.deepEqual(await modes({ ...STEP, dtype: "f16" }), amp);
  assert.deepEqual(verdicts([{ ...STEP, dtype: "f16" }]), []);
});
