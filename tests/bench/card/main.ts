/**
 * The first ten minutes on a card: `deno task card --help`.
 *
 * @module
 */
import { resolve } from "node:path";
import config from "../../../deno.json" with { type: "json" };
import { exists } from "../../../data/exists.ts";
import { describeAdapter, requestAdapter } from "../../../lib/gpu/adapter.ts";
import { type Flags, readNumber, toggle, UsageError } from "../../../tasks/command_line/flags.ts";
import { parseFlags, runCommand } from "../../../tasks/command_line/options.ts";
import { readPath, shortPath } from "../../../tasks/command_line/paths.ts";
import { print } from "../../../tasks/command_line/screen.ts";
import { StopSignals } from "../../../tasks/command_line/stop_signals.ts";
import { describeHidden } from "../../../tasks/launch/hidden_card.ts";
import { readProgram } from "../../../tasks/launch/program.ts";
import { findPython } from "../../support/python.ts";
import { runSteps } from "./run_steps.ts";
import { cardSteps, type StepOptions } from "./steps.ts";
import { cardTable, lineOf } from "./table.ts";

interface CardFlags {
  out: string;
  minutes: number;
  dataroot: string;
  rehearse: boolean;
}

const GROUP = "Card:";
const MINUTES = 9;
const FLAGS: Flags<CardFlags> = {
  out: {
    group: GROUP,
    value: "DIR",
    help: "A new folder for all files (default: logs/card, with the time in its name)",
    read: readPath,
  },
  minutes: {
    group: GROUP,
    value: "N",
    help: "The time; what does not fit is left out",
    read: readNumber,
  },
  dataroot: {
    group: GROUP,
    value: "DIR",
    help: "The folder of cifar-10-batches-bin or cifar-10-batches-py (default: no training on it)",
    read: readPath,
  },
  rehearse: toggle(GROUP, "Tries every step in small, on a software adapter too"),
};
const TEXT = {
  name: "deno task card",
  about:
    "Finds out what a new card does, in the order of worth: whether it computes what it must, " +
    "and how fast. Needs no network. Prints a line a step, and a table at the end.",
  closing: "",
};

/** Wants a card, or in a rehearsal any adapter. */
async function openCard({ rehearses }: { rehearses: boolean }) {
  const adapter = await requestAdapter();
  const found = adapter === null ? null : describeAdapter(adapter);
  if (adapter === null || found === null || found.isSoftware && !rehearses) {
    const hidden = await describeHidden(adapter);
    const what = found === null ? "no adapter" : `${found.name}, which computes on the CPU`;
    throw new Error(
      `Cannot try the card: ${hidden ?? `wanted a GPU, found ${what}`}` +
        (found === null ? "" : "; --rehearse tries the steps in small on it"),
    );
  }
  return found;
}

/** The version of the driver, which WebGPU does not tell. */
async function driverVersion(): Promise<string> {
  const words = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"];
  const { code, text } = await readProgram(words);
  return code === 0 ? `driver ${text.split("\n")[0]}` : "a driver that does not tell its version";
}

/** A Python whose PyTorch computes on the card; beside a software adapter, on the CPU. */
async function findTorch({ isSoftware }: { isSoftware: boolean }): Promise<StepOptions["torch"]> {
  const found = await findPython(["torch"]);
  if (found.path === null) return { missing: "no Python with PyTorch was found" };
  const hasCuda = await found.run("import torch; print(torch.cuda.is_available())", []);
  return isSoftware || hasCuda.trim() === "True"
    ? { python: found.path }
    : { missing: `PyTorch of ${found.path} finds no CUDA` };
}

/** Wants a folder that loses nothing. */
async function makeFolder(out: string): Promise<void> {
  await Deno.mkdir(out, { recursive: true });
  const [file] = await Array.fromAsync(Deno.readDir(out));
  if (file === undefined) return;
  throw new Error(`Cannot write to ${shortPath(out)}: it must be new or empty, found ${file.name}`);
}

async function wantImages(dataroot: string): Promise<void> {
  const names = ["cifar-10-batches-bin", "cifar-10-batches-py"];
  const found = await Promise.all(names.map((name) => exists(`${dataroot}/${name}`)));
  if (found.includes(true)) return;
  throw new Error(`Cannot read CIFAR-10: wanted ${names.join(" or ")} in ${dataroot}, found none`);
}

if (import.meta.main) {
  await runCommand(async (argv) => {
    const began = performance.now();
    const parsed = parseFlags(argv, { flags: FLAGS, text: TEXT, defaults: { minutes: MINUTES } });
    if (parsed.kind === "print") {
      print(parsed.text.trimEnd());
      return 0;
    }
    const { minutes = MINUTES, dataroot = null, rehearse: rehearses = false } = parsed.given;
    if (minutes <= 0) {
      throw new UsageError(`Cannot read --minutes: expected more than 0, found ${minutes}`);
    }
    const date = new Date().toISOString().slice(0, 16);
    const out = resolve(parsed.given.out ?? readPath(`logs/card_${date.replace(":", "")}`, "out"));
    if (dataroot !== null) await wantImages(dataroot);
    const { name, vendor, isSoftware } = await openCard({ rehearses });
    await makeFolder(out);
    const torch = await findTorch({ isSoftware });
    const where = `${name} (${vendor}, ${await driverVersion()}), ${date} UTC, ` +
      `Pupil ${config.version}, Deno ${Deno.version.deno}` +
      (rehearses ? "; a rehearsal, whose times do not count" : "");
    print(`${isSoftware ? "No card" : "Card"}: ${where}`);
    print(`Files: ${shortPath(out)}`);
    using stop = new StopSignals();
    const outcomes = await runSteps(cardSteps({ adapter: name, out, dataroot, torch, rehearses }), {
      seconds: 60 * minutes - (performance.now() - began) / 1e3,
      stop: stop.signal,
      onOutcome: (outcome) => print(lineOf(outcome)),
    });
    const table = cardTable(outcomes, where);
    await Deno.writeTextFile(`${out}/table.md`, table);
    print(`\n${table.trimEnd()}`);
    if (stop.exitCode !== 0) return stop.exitCode;
    return outcomes.every(({ isRight }) => isRight) ? 0 : 1;
  });
}
