import { TextLineStream } from "./text_lines.ts";
import type { RealType } from "../../mod.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { isRow, parseLine, type PeerStepRow, type Row, type StepRow } from "./rows.ts";
import { type Step, stepName } from "./steps.ts";

/** What a peer that shares this project's code is asked to time. */
export interface PeerTask {
  /** Names of convolutions, as `nameOf` gives them. */
  readonly convolutions: readonly string[];
  /** Images a batch of the convolutions. */
  readonly batch: number;
  /** Whether the step of attention transfer is timed. */
  readonly steps: boolean;
  /** Images a batch of the step. */
  readonly stepBatch: number;
  /** How our kernels are chosen; left out for the adapter's default. */
  readonly autotune?: Autotune | undefined;
  /** Measurements of each figure. */
  readonly samples: number;
  /** The least seconds of one measurement. */
  readonly seconds: number;
}

const FOLDER = new URL("./peers/", import.meta.url).pathname;

/** Runs a command and yields the JSON objects that it prints, a line each; throws what it last said where it fails. */
async function* jsonLines(command: readonly string[]): AsyncGenerator<object> {
  const [program = "", ...args] = command;
  const child = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" })
    .spawn();
  const complaint = new Response(child.stderr).text();
  for await (const line of child.stdout.pipeThrough(new TextLineStream())) {
    const found = parseLine(line);
    if (found !== null) yield found;
  }
  const { success, code } = await child.status;
  if (success) return;
  const said = (await complaint).trim().split("\n").at(-1) ?? "";
  throw new Error(`Cannot run ${program}: it ended with code ${code}, saying "${said}"`);
}

function failure(what: string, error: unknown): Row {
  const message = error instanceof Error ? error.message.split("\n")[0] ?? "" : String(error);
  return { kind: "failure", what, message };
}

/** Times a peer of `tests/bench/peers`: its rows as it prints them, or one that says why it failed. */
export async function* peerRows(file: string, task: PeerTask): AsyncGenerator<Row> {
  const command = [
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    `--config=${FOLDER}deno.json`,
    "--allow-read",
    "--allow-write",
    "--allow-env",
    "--allow-sys",
    FOLDER + file,
    JSON.stringify(task),
  ];
  try {
    for await (const row of jsonLines(command)) if (isRow(row)) yield row;
  } catch (error) {
    yield failure(file, error);
  }
}

function number(row: object, key: string): number {
  const value: unknown = Reflect.get(row, key);
  if (typeof value !== "number") {
    throw new TypeError(`Cannot read PyTorch's line: wanted a number ${key}, found ${value}`);
  }
  return value;
}

/** The arguments of `peer_torch.py` for a step. */
function torchArguments(
  step: Step,
  { batch, samples }: { batch: number; samples: number },
): string[] {
  const common = ["--batch", batch, "--loss", step.loss.toLowerCase(), "--reps", samples];
  if (step.wide === null) {
    return ["--job", "imagenet", "--size", step.student.side, "--warmup", 1, ...common].map(String);
  }
  const { student: [depth, width], teacher } = step.wide;
  const sizes = ["--depth", depth, "--width", width];
  if (teacher !== null) sizes.push("--teacher", teacher.join());
  return ["--job", "cifar", ...sizes, "--warmup", 2, ...common].map(String);
}

/** In which ways PyTorch runs a step: on a GPU plain float32, a CUDA graph, TF32 and AMP stand beside float32. */
function torchModes({ dtype, isSoftware }: { dtype: RealType; isSoftware: boolean }): string[][] {
  const [graph, tf32, amp] = [["--mode", "graph"], ["--precision", "tf32"], ["--precision", "amp"]];
  const inHalf = [amp, [...amp, "--channels-last"]];
  if (dtype === "f16") return inHalf;
  return isSoftware ? [[]] : [[], graph, tf32, [...tf32, ...graph], ...inHalf];
}

/** Steps of a measurement on a GPU, where ours follow each other without a wait too. */
const STEPS_ON_GPU = 5;

/** Times a step in PyTorch and puts it beside ours, whose time was taken just before. */
export async function* torchRows(
  command: readonly string[],
  { step, ours, samples, isSoftware }: {
    step: Step;
    ours: StepRow;
    samples: number;
    isSoftware: boolean;
  },
): AsyncGenerator<Row> {
  const words = [...command, ...torchArguments(step, { batch: ours.batch, samples })];
  if (!isSoftware) words.push("--steps", `${STEPS_ON_GPU}`);
  for (const mode of torchModes({ dtype: ours.dtype, isSoftware })) {
    yield* torchRow([...words, ...mode], { step, ours });
  }
}

async function* torchRow(
  command: readonly string[],
  { step, ours }: { step: Step; ours: StepRow },
): AsyncGenerator<Row> {
  try {
    for await (const line of jsonLines(command)) {
      const ms = {
        median: number(line, "ms_median"),
        low: number(line, "ms_low"),
        high: number(line, "ms_high"),
        n: number(line, "n"),
      };
      const row: PeerStepRow = {
        kind: "peer step",
        peer: [
          ...["peer", "device", "precision", "mode"].map((key) => Reflect.get(line, key)),
          ...(Reflect.get(line, "channels_last") === true ? ["channels last"] : []),
        ].join(" "),
        step: stepName(step),
        batch: ours.batch,
        ms,
        ours_ms: ours.ms,
        ratio: ms.median / ours.ms.median,
        difference: null,
      };
      yield row;
    }
  } catch (error) {
    yield failure(`PyTorch, ${stepName(step)}`, error);
  }
}
