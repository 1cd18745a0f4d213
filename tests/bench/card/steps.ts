import { shellWord } from "../../../tasks/command_line/shell_word.ts";
import { isRow, parseLine, PASSES, type Row } from "../rows.ts";
import { digits } from "../table.ts";
import { runToFile } from "./child.ts";
import type { CardStep, Figure } from "./run_steps.ts";

/** What the steps need to know. */
export interface StepOptions {
  /** The adapter's name; what the benchmark measures on another one is wrong. */
  readonly adapter: string;
  /** The folder of their files, a full path. */
  readonly out: string;
  /** The folder of CIFAR-10, `null` for none. */
  readonly dataroot: string | null;
  /** The Python whose PyTorch is timed, or why none is. */
  readonly torch: { readonly python: string } | { readonly missing: string };
  /** Whether everything is as small as a software adapter needs it. */
  readonly rehearses: boolean;
  /** Runs a process. Default: {@link runToFile}. */
  readonly run?: typeof runToFile;
}

const TINY = ["--depth", "10", "--width", "0.25", "--batch_size", "8"];
const SHORT = [...TINY, "--train_images", "8", "--epochs", "1"];
/** How large everything is on a card, and in a rehearsal. */
const SIZES = {
  full: {
    shapes: ["--train_images", "2000", "--epochs", "2"],
    images: ["--epochs", "10", "--epoch_step", "[3,6,8]"],
    profile: [],
    teacher: ["--width", "2"],
    variants: [],
    ops: ["tests/ops"],
    fusion: ["tests/gpu/fuse_test.ts", "tests/models/fusion_test.ts"],
    trajectory: ["tests/train/trajectory_test.ts"],
    step: ["--batch", "128", "--samples", "7"],
    side: "224",
    wide: "3x3 ",
  },
  small: {
    shapes: SHORT,
    images: SHORT,
    profile: TINY,
    teacher: [],
    variants: ["--few"],
    ops: ["tests/ops/sum_test.ts"],
    fusion: ["tests/gpu/fuse_test.ts"],
    trajectory: ["tests/train/trajectory_test.ts", "--filter", "ce follows PyTorch at"],
    step: ["--batch", "2", "--samples", "1"],
    side: "32",
    wide: "3x3 128>128 ",
  },
};

const SCRIPT = ["deno", "run", "--no-prompt", "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND"];
/** The last epoch of a run, and what it skipped. */
const END = /^epoch (\d+)\/\1: .*$|^\d+ steps skipped.*$/gm;
const TUNED =
  /tuning +(\d+) of \1 kernels, .*|the fixed table chooses \d+ of.*|convolution kernels: .*/g;
/** A convolution of at least 128 channels at stride 1. */
const WIDE = /^3x3 (?:128|256|512)>\d+ [^/]+$/;

function lastLine(text: string): string {
  return text.trimEnd().split(/[\r\n]/).at(-1) ?? "";
}

function milliseconds({ median, low, high }: { median: number; low: number; high: number }) {
  return `${digits(median)} ms (${digits(low)} to ${digits(high)})`;
}

/** Figures of what the benchmark found: steps, peers' steps, and shares of the peak. */
export function benchFigures(
  rows: readonly Row[],
  { command, adapter }: { command: string; adapter: string },
): Figure[] {
  const figures = rows.flatMap((row): Figure[] => {
    switch (row.kind) {
      case "machine":
        return row.adapter === adapter
          ? []
          : [{ what: "", value: `WRONG adapter: ${row.adapter}`, command, isRight: false }];
      case "step":
        return [{ what: `Pupil ${row.dtype}`, value: milliseconds(row.ms), command }];
      case "peer step":
        return [{ what: row.peer, value: milliseconds(row.ms), command }];
      case "failure": // That a peer fails is said, and is no fault of ours.
        return [{
          what: row.what,
          value: row.message,
          command,
          isRight: row.what.startsWith("PyTorch"),
        }];
      default:
        return [];
    }
  });
  const kernels = rows.filter((row) => row.kind === "kernel");
  const peak = rows.find((row) => row.kind === "ceiling" && row.name === "multiply-add");
  const rate = peak?.kind === "ceiling" ? digits(peak.per_second.median / 1e9) : "";
  for (const pass of PASSES) {
    const shares = kernels.filter((row) => row.pass === pass && WIDE.test(row.convolution))
      .map(({ share }) => 100 * share.median);
    if (shares.length === 0) continue;
    const value = `${digits(Math.min(...shares))} to ${
      digits(Math.max(...shares))
    } % of ${rate} GFLOP/s`;
    figures.push({ what: pass, value, command });
  }
  return figures;
}

/** The steps of `deno task card`, in the order of worth. */
export function cardSteps(
  { adapter, out, dataroot, torch, rehearses, run = runToFile }: StepOptions,
): CardStep[] {
  const size = SIZES[rehearses ? "small" : "full"];
  const peer = "python" in torch
    ? ["--peer-torch", `${torch.python} tests/bench/peers/peer_torch.py`]
    : [];
  const noPeer = "missing" in torch
    ? [{ what: "PyTorch", value: `left out: ${torch.missing}`, command: "" }]
    : [];
  const shown = (words: readonly string[]) =>
    words.map((word) => word === dataroot ? "DATAROOT" : shellWord(word)).join(" ");
  const cifar = (...words: string[]) => ["deno", "task", "cifar", "--dataset", "shapes", ...words];

  /** Runs a process; its figure is all that a pattern finds in what it says, or its last line. */
  async function say(
    words: readonly string[],
    { signal, file, what = "", pattern, env }: {
      signal: AbortSignal;
      file: string;
      what?: string;
      pattern?: RegExp;
      env?: Record<string, string>;
    },
  ): Promise<Figure> {
    const { code, text } = await run(words, { out, name: file, signal, env });
    const found = code === 0 && pattern !== undefined ? text.match(pattern) : null;
    const value = found?.join("; ") ?? lastLine(text);
    return { what, value, command: shown(words), isRight: code === 0 };
  }

  /** A step of one process. */
  const one = (
    name: string,
    { words, ...how }: { words: string[]; limit: number; file: string; pattern?: RegExp },
  ): CardStep => ({
    name,
    limit: how.limit,
    run: async (signal) => [await say(words, { ...how, signal })],
  });

  async function bench(
    words: readonly string[],
    { signal, file }: { signal: AbortSignal; file: string },
  ): Promise<Figure[]> {
    const all = ["deno", "task", "bench", "--quick", ...size.step, ...words];
    const { code, text } = await run([...all, "--out", `${file}.jsonl`], {
      out,
      name: file,
      signal,
    });
    const lines = await Deno.readTextFile(`${out}/${file}.jsonl`).catch(() => ""); // It had none yet.
    const rows = lines.split("\n").map((line) => parseLine(line) ?? {}).filter(isRow);
    const figures = benchFigures(rows, { command: shown(all), adapter });
    if (figures.length > 0 || signal.aborted) return figures;
    return [{ what: "", value: lastLine(text), command: shown(all), isRight: code === 0 }];
  }

  const images = ["--imagenet", "--size", size.side];

  /** A training step beside PyTorch's. */
  const beside = (
    step: string,
    { dtype, limit, file }: { dtype: "float" | "half"; limit: number; file: string },
  ): CardStep => ({
    name: `${step}, ${dtype}`,
    limit,
    async run(signal) {
      const words = ["--steps", ...images, "--only", step, "--dtype", dtype, ...peer];
      return [...await bench(words, { signal, file }), ...noPeer];
    },
  });

  return [
    one("Driver", {
      limit: 40,
      file: "probe",
      words: [...SCRIPT, "tests/bench/card/probe.ts"],
      pattern: /^.+$/gm,
    }),
    one("Convolution kernels", {
      limit: 120,
      file: "variants",
      words: [...SCRIPT, "tests/bench/card/variants.ts", ...size.variants],
    }),
    {
      name: "Tests",
      limit: 180,
      run: (signal) =>
        Promise.all((["ops", "fusion", "trajectory"] as const).map((file) => {
          const words = ["deno", "task", "test", "--no-check", ...size[file]];
          return say(words, { signal, file, what: file });
        })),
    },
    {
      name: "The same seed twice",
      limit: 80,
      async run(signal) {
        const [runs, bits]: [Figure[], string[]] = [[], []];
        for (const file of ["same_a", "same_b"]) {
          const words = cifar(...size.shapes, ...size.teacher, "--seed", "3", "--save", file);
          const run = await say(words, { signal, file, what: file, pattern: END });
          if (!run.isRight) return [run];
          const bytes = await Deno.readFile(`${out}/logs/${file}/model.safetensors`);
          bits.push(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex());
          runs.push(run);
        }
        const [a, b] = bits;
        const value = a === b ? "the same bits" : "DIFFERENT bits";
        return [...runs, { what: "", value, command: "", isRight: a === b }];
      },
    },
    {
      name: "Quick tuning",
      limit: 100,
      async run(signal) {
        const words = cifar(...size.shapes, "--autotune", "quick", "--max_steps", "1");
        // A cache of its own makes it tune; Deno's must stay where it is.
        const { text } = await run(["deno", "info", "--json"], { out, name: "deno", signal });
        const env = { XDG_CACHE_HOME: `${out}/cache`, DENO_DIR: JSON.parse(text).denoDir };
        const file = "tuned";
        return [await say([...words, "--save", file], { signal, file, env, pattern: TUNED })];
      },
    },
    one("Profile of the attention-transfer step", {
      limit: 90,
      file: "profile",
      words: cifar(...size.profile, "--profile", "--teacher", "same_a", "--beta", "1000"),
      pattern: /^(?:dispatches|CPU|GPU|first step) .*$/gm,
    }),
    one("Half precision", {
      limit: 60,
      file: "half",
      words: cifar(...size.shapes, "--dtype", "half", "--save", "half"),
      pattern: END,
    }),
    beside("AT WRN-16-1 from WRN-16-2", { dtype: "float", limit: 90, file: "at" }),
    beside("AT ResNet-18 from ResNet-34", { dtype: "float", limit: 150, file: "resnet" }),
    {
      name: "Wide 3x3 convolutions, share of the peak",
      limit: 80,
      run: (signal) =>
        bench(["--kernels", ...images, "--only", size.wide], { signal, file: "wide" }),
    },
    {
      name: "CIFAR-10",
      limit: 150,
      async run(signal) {
        if (dataroot === null) {
          return [{ what: "", value: "left out: --dataroot names no images", command: "" }];
        }
        const words = ["deno", "task", "cifar", "--dataroot", dataroot, ...size.images];
        const train = (file: string, ...more: string[]) =>
          say([...words, ...more, "--save", file], { signal, file, what: file, pattern: END });
        const teacher = await train("wrn_16_2", ...size.teacher);
        if (!teacher.isRight) return [teacher];
        return [teacher, await train("at_16_1_16_2", "--teacher", "wrn_16_2", "--beta", "1000")];
      },
    },
    beside("AT WRN-16-1 from WRN-16-2", { dtype: "half", limit: 90, file: "at_half" }),
    beside("AT ResNet-18 from ResNet-34", { dtype: "half", limit: 150, file: "resnet_half" }),
  ];
}
