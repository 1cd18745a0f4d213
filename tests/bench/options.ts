import type { RealType } from "../../mod.ts";
import { AUTOTUNE, type Autotune } from "../../lib/train/autotune.ts";
import {
  type Flags,
  readOneOf,
  readText,
  readWhole,
  toggle,
  UsageError,
} from "../../tasks/command_line/flags.ts";
import { type CommandText, parseFlags } from "../../tasks/command_line/options.ts";
import { readPath } from "../../tasks/command_line/paths.ts";

/** The flags of `deno task bench`. */
export interface BenchFlags {
  kernels: boolean;
  steps: boolean;
  peers: boolean;
  loader: boolean;
  quick: boolean;
  only: string;
  batch: number;
  imagenet: boolean;
  size: number;
  samples: number;
  dtype: "float" | "half";
  autotune: Autotune;
  peer_torch: string;
  out: string;
  json: boolean;
}

/** What `deno task bench` is asked to do. */
export interface BenchOptions {
  /** Whether convolutions are timed. */
  readonly kernels: boolean;
  /** Whether training steps are timed. */
  readonly steps: boolean;
  /** Whether TensorFlow.js and jax-js are timed. */
  readonly peers: boolean;
  /** Whether the image loader is timed, and nothing else. */
  readonly loader: boolean;
  /** Whether a few shapes and short measurements have to do. */
  readonly quick: boolean;
  /** Whether a name is asked for. */
  readonly isWanted: (name: string) => boolean;
  /** Images a batch, null for the defaults. */
  readonly batch: number | null;
  /** Whether ResNets are timed on a software adapter too. */
  readonly imagenet: boolean;
  /** The side of the ResNets' images. */
  readonly size: number;
  /** What activations and their gradients are stored as. */
  readonly dtype: RealType;
  /** How kernels are chosen; undefined for the adapter's default. */
  readonly autotune: Autotune | undefined;
  /** Measurements of each figure. */
  readonly samples: number;
  /** The command of the PyTorch peer, null for none. */
  readonly peerTorch: readonly string[] | null;
  /** The file of the JSON lines. */
  readonly out: string;
  /** Whether standard output gets the JSON lines in place of the tables. */
  readonly json: boolean;
}

const DEFAULTS = { size: 224, samples: 7, dtype: "float", out: "logs/bench.jsonl" } as const;

const SELECT = "What runs (default: everything):";
const HOW = "How:";
const PEERS = "Peers:";

const FLAGS: Flags<BenchFlags> = {
  kernels: toggle(SELECT, "Times every convolution of the networks, forward and both gradients"),
  steps: toggle(SELECT, "Times training steps"),
  peers: toggle(SELECT, "Times TensorFlow.js and jax-js in turns with ours"),
  loader: toggle(SELECT, "Times the image loader alone, in turns with PIL; needs no GPU"),
  only: {
    group: SELECT,
    help: 'Only names that hold this text, such as "3x3 16>16" or "AT WRN-16-1"',
    value: "TEXT",
    read: readText,
  },
  imagenet: toggle(SELECT, "The ResNets on a software adapter too, where they take minutes"),
  quick: toggle(HOW, "WRN-16-1 and its pair alone, short measurements: to see that all works"),
  batch: {
    group: HOW,
    help: "Images a batch; otherwise 128 a step, 32 a kernel on software and 128 on a GPU",
    value: "N",
    read: readWhole,
  },
  size: { group: HOW, help: "Side of the ResNets' images", value: "N", read: readWhole },
  dtype: {
    group: HOW,
    help: "What activations are stored as: float or half; the peers take float only",
    value: "TYPE",
    read: readOneOf(["float", "half"]),
  },
  autotune: {
    group: HOW,
    help: "How kernels are chosen: off (the default), quick or full",
    value: "HOW",
    read: readOneOf(AUTOTUNE),
  },
  samples: { group: HOW, help: "Measurements of each figure", value: "N", read: readWhole },
  out: { group: HOW, help: "File of the JSON lines", value: "FILE", read: readPath },
  json: toggle(HOW, "Prints the JSON lines in place of the tables"),
  peer_torch: {
    group: PEERS,
    help: "The command that times PyTorch's steps",
    value: "COMMAND",
    read: readText,
  },
};

const TEXT: CommandText = {
  name: "deno task bench",
  about: "Times convolutions and training steps, beside the adapter's ceilings and beside peers. " +
    "Every figure is a median with its quartiles.",
  closing: `Examples:
  deno task bench --quick
  deno task bench --kernels --only "3x3 16>16"
  deno task bench --steps --peer-torch "/usr/bin/python3 tests/bench/peers/peer_torch.py"
Times mean something on a quiet machine only.`,
};

/**
 * Reads the command line of `deno task bench`.
 *
 * @returns What to do, or the text that `--help` or `--version` asks for.
 * @throws {UsageError} If an argument is unknown or has a wrong value.
 */
export function parseBench(
  argv: readonly string[],
): { kind: "print"; text: string } | { kind: "run"; options: BenchOptions } {
  const parsed = parseFlags(argv, { flags: FLAGS, text: TEXT, defaults: DEFAULTS });
  if (parsed.kind === "print") return parsed;
  const { given } = parsed;
  for (const name of ["batch", "size", "samples"] as const) {
    const value = given[name] ?? 1;
    if (value < 1) {
      throw new UsageError(`Cannot read --${name}: expected at least 1, found ${value}`);
    }
  }
  if (given.size !== undefined && given.size < 32) {
    throw new UsageError(`Cannot read --size: expected at least 32, found ${given.size}`);
  }
  const command = given.peer_torch?.split(/\s+/).filter((word) => word !== "") ?? null;
  if (command?.length === 0) {
    throw new UsageError('Cannot read --peer_torch: expected a command, found ""');
  }
  const all = !(given.kernels || given.steps || given.peers);
  const only = given.only ?? "";
  return {
    kind: "run",
    options: {
      kernels: all || given.kernels === true,
      steps: all || given.steps === true,
      peers: all || given.peers === true,
      loader: given.loader ?? false,
      quick: given.quick ?? false,
      isWanted: (name) => name.includes(only),
      batch: given.batch ?? null,
      imagenet: given.imagenet ?? false,
      size: given.size ?? DEFAULTS.size,
      dtype: given.dtype === "half" ? "f16" : "f32",
      autotune: given.autotune,
      samples: given.samples ?? (given.quick ? 3 : DEFAULTS.samples),
      peerTorch: command,
      out: given.out ?? readPath(DEFAULTS.out, "out"),
      json: given.json ?? false,
    },
  };
}
