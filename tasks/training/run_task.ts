import { Gpu } from "../../lib/gpu/device.ts";
import { OutOfMemoryError } from "../../lib/gpu/errors.ts";
import type { World } from "../../lib/mpi/world.ts";
import type { Share } from "../../lib/train/batches.ts";
import { evaluate } from "../../lib/train/evaluate.ts";
import { resolveRun, saveLocation } from "../../lib/train/find_run.ts";
import { type ImageSet, type StreamedSet, testCount } from "../../lib/train/image_set.ts";
import { RunFolder } from "../../lib/train/run_folder.ts";
import type { Networks, RunKind } from "../../lib/train/run_kind.ts";
import { realTypeOf, type RunSettings } from "../../lib/train/settings/run_settings.ts";
import { findWeights, openWeights } from "./open_teacher.ts";
import { asRank, inTurn, type RankSettings } from "./ranks.ts";
import type { RunCommand } from "./run_options.ts";
import {
  type Cast,
  followCast,
  type Job,
  newFolder,
  profileCast,
  resumeCommand,
  trainCast,
  wantTrainable,
} from "./training_run.ts";
import { shortPath } from "../command_line/paths.ts";
import { print, say } from "../command_line/screen.ts";

/** The images of a run. */
export interface OpenedImages extends Disposable {
  /** The set. */
  readonly data: ImageSet | StreamedSet;
  /** Images left out so far, with what is wrong with each. */
  readonly skipped: ReadonlyMap<string, string>;
}

/** How a run starts. */
export interface Start {
  /** The folder of the run that is taken up, whose checkpoint overwrites the student; `null` for a new run. */
  readonly resumed: string | null;
}

/** A task that trains: what it does its own way. */
export interface RunTask<Settings extends RunSettings> {
  /** The command, as a person types it. */
  readonly command: string;
  /** The command that goes on after a stop, where that is not the same one with `--resume`. */
  readonly goesOn?: string | undefined;
  /** The kind of its runs. */
  readonly kind: RunKind<Settings>;
  /** The settings of a run that is told nothing. */
  readonly defaults: Readonly<Settings>;
  /** Whether top-5 accuracy is told, and how fast an evaluation is. */
  readonly tellsTopFive: boolean;
  /** Reads the settings of a run from what its `config.json` holds. */
  readonly readSettings: (config: unknown, source: string) => Settings;
  /** Names a run after its settings. */
  readonly nameRun: (settings: Readonly<Settings>) => string;
  /** The files and runs whose weights are needed, empty names among them: they are looked for before all else. */
  readonly weights: (settings: Readonly<Settings>, start: Start) => readonly string[];
  /**
   * Opens the images, of each batch this rank's share; an evaluation may not write what a run keeps for the next one,
   * nor may another rank than 0.
   */
  readonly openImages: (
    settings: Readonly<Settings>,
    options: { readonly mayWrite: boolean; readonly share: Share | undefined },
  ) => Promise<OpenedImages>;
  /** Makes the networks of a run. */
  readonly openNetworks: (
    gpu: Gpu,
    settings: Readonly<Settings>,
    start: Start & { readonly classes: number },
  ) => Promise<Networks>;
}

type Command<Settings extends RunSettings> = RunCommand<Settings, keyof Settings, keyof Settings>;
type Asked<
  Settings extends RunSettings,
  Kind extends Command<Settings>["kind"],
> = Extract<Command<Settings>, { kind: Kind }>;

/**
 * Does what a command line asks for.
 *
 * @returns The exit code.
 */
export async function runTask<Settings extends RunSettings>(
  task: RunTask<Settings>,
  command: Exclude<Command<Settings>, { kind: "print" }>,
): Promise<number> {
  return await asRank(await rankSettingsOf(task, command), async (world) => {
    if (command.kind === "evaluate") return await evaluateRun(task, command, world);
    let next = command;
    for (let losses = 1;; losses++) {
      try {
        return next.kind === "resume"
          ? await resumeRun(task, next, world)
          : await startRun(task, next, world);
      } catch (error) {
        if (!(error instanceof LostGpuError)) throw error;
        // The other ranks wait for a training that is over here.
        if (losses > MOST_LOSSES || world.size > 1) throw error;
        say(
          `${error.what}: goes on from what was saved (${losses} of ${MOST_LOSSES} times at most)`,
        );
        const changes = next.kind === "resume" ? next.changes : {};
        const { autotune, launch } = next;
        next = { kind: "resume", run: error.run, logs: error.logs, changes, autotune, launch };
      }
    }
  });
}

/** How often a run that has lost the GPU is taken up again. */
const MOST_LOSSES = 3;

/** A run whose GPU is gone, by a fault of the driver or of the card. */
class LostGpuError extends Error {
  override readonly name = "LostGpuError";
  /** What has happened. */
  readonly what: string;
  /** The run's folder. */
  readonly run: string;
  /** The folder of runs. */
  readonly logs: string;

  constructor(
    reason: string,
    { folder, job, cause }: { folder: RunFolder; job: Job<RunSettings>; cause: unknown },
  ) {
    const what = `The GPU was lost (${reason.trim()})`;
    super(`${what}; go on with: ${job.goesOn ?? resumeCommand(folder, job)}`, { cause });
    this.what = what;
    this.run = folder.path;
    this.logs = job.settings.logs;
  }
}

/** How the ranks are joined: those of a run that is resumed wait as long as they did, unless told anew. */
export async function rankSettingsOf<Settings extends RunSettings>(
  task: RunTask<Settings>,
  command: Exclude<Command<Settings>, { kind: "print" }>,
): Promise<RankSettings> {
  if (command.kind !== "resume") return command.settings;
  // What is wrong with the run is said by one rank, once they have joined.
  const { mpi_timeout } = await openRun(task, command)
    .then(({ config }) => config, () => task.defaults);
  return { ...task.defaults, mpi_timeout, ...command.changes };
}

/** Opens the folder of a run, and reads its settings. */
async function openRun<Settings extends RunSettings>(
  task: RunTask<Settings>,
  { run, logs }: Asked<Settings, "resume">,
): Promise<{ folder: RunFolder; config: Settings }> {
  const folder = await RunFolder.open((await resolveRun(run, { logs })).path);
  const config = task.readSettings(await folder.readConfig(), folder.file("config.json"));
  return { folder, config };
}

/** Starts a run, or profiles what it would do. */
async function startRun<Settings extends RunSettings>(
  task: RunTask<Settings>,
  { kind, settings: given, autotune, launch }: Asked<Settings, "train" | "profile">,
  world: World,
): Promise<number> {
  const settings = { ...given, ngpu: world.size };
  using cast = await openCast(task, settings, { resumed: null, world });
  const job = { ...task, settings, autotune, launch };
  if (kind === "profile") return await profileCast(cast, job);
  if (world.rank > 0) return await followCast(cast, job);
  const folder = await newFolder(cast, { job, name: task.nameRun(settings) });
  try {
    return await train(cast, { job, folder, resumes: false });
  } catch (error) {
    if (error instanceof LostGpuError) throw error;
    await folder.discard().catch(() => {}); // The first error is the one that counts.
    throw error;
  }
}

/** Takes up a run where it was left, or starts it anew with its settings where nothing was saved. */
async function resumeRun<Settings extends RunSettings>(
  task: RunTask<Settings>,
  command: Asked<Settings, "resume">,
  world: World,
): Promise<number> {
  const { logs, changes, autotune, launch } = command;
  const { folder, config } = await openRun(task, command);
  // A run that was found by its name has its teacher beside it, wherever the folder of runs is by now.
  const place = saveLocation(folder.name, logs) === folder.path ? { logs } : {};
  const settings = { ...config, ...place, ...changes, ngpu: world.size };
  const resumes = !await folder.isUnsaved();
  if (!resumes && world.rank === 0) {
    say(`Nothing was saved in ${shortPath(folder.path)}: the run starts from its beginning`);
  }
  if (config.ngpu !== world.size && world.rank === 0) {
    const ranks = `${world.size} rank${world.size === 1 ? "" : "s"}`;
    say(`Goes on with ${ranks} after ${config.ngpu}: with the same batches, but other bits`);
  }
  using cast = await openCast(task, settings, { resumed: resumes ? folder.path : null, world });
  const job = { ...task, settings, autotune, launch };
  wantTrainable(cast, job);
  if (world.rank > 0) return await followCast(cast, job);
  return await train(cast, { job, folder, resumes });
}

/** Evaluates the student of a run, or a weights file, and prints loss and accuracy. */
async function evaluateRun<Settings extends RunSettings>(
  task: RunTask<Settings>,
  { target, logs, changes, settings: own }: Asked<Settings, "evaluate">,
  world: World,
): Promise<number> {
  const found = await findWeights(target, { logs });
  const { file, run } = found;
  if (run !== null && own.take !== "") {
    throw new RangeError(
      `Cannot evaluate run ${run}: --take ${own.take} needs a weights file, found a run`,
    );
  }
  const config = run === null ? own : task.readSettings(
    await (await RunFolder.open(run)).readConfig(),
    `${run}/config.json`,
  );
  const settings = { ...config, ...changes };
  using images = await inTurn(
    world,
    () => task.openImages(settings, { mayWrite: false, share: world }),
  );
  const { data } = images;
  using gpu = await Gpu.open();
  using model = await openWeights(gpu, found, { take: settings.take });
  if (model.classes !== data.classes) {
    throw new TypeError(
      `Cannot evaluate ${file} on ${data.name}: it must tell ${data.classes} classes apart, found ${model.classes}`,
    );
  }
  const began = performance.now();
  const { loss, accuracy, topFive = NaN } = await evaluate(model, {
    data,
    batchSize: settings.batch_size,
    topFive: task.tellsTopFive,
    dtype: realTypeOf(settings),
    world,
  });
  if (world.rank > 0) return 0;
  const seconds = (performance.now() - began) / 1000;
  const count = testCount(data);
  print(`${model.name} of ${shortPath(file)} on ${count} test images of ${data.name}`);
  print(
    task.tellsTopFive
      ? `test_loss ${loss.toFixed(4)}  top-1 ${accuracy.toFixed(2)} %  top-5 ${
        topFive.toFixed(2)
      } %  ${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} images/s`
      : `test_loss ${loss.toFixed(4)}  test_acc ${accuracy.toFixed(2)} %`,
  );
  tellSkipped(images);
  return 0;
}

/** Who takes part in a run, and the images with what decodes them. */
interface RunCast extends Cast, Disposable {
  readonly images: OpenedImages;
}

async function train<Settings extends RunSettings>(
  cast: RunCast,
  options: { job: Job<Settings>; folder: RunFolder; resumes: boolean },
): Promise<number> {
  try {
    const code = await trainCast(cast, options);
    tellSkipped(cast.images);
    return code;
  } catch (cause) {
    // A loss becomes known in a later turn of the event loop.
    await new Promise((resolve) => setTimeout(resolve));
    const { lossReason } = cast.gpu;
    // A driver without memory for what it needs itself loses the device: to open it again would not help.
    if (lossReason === null || isOutOfMemory(cause)) throw cause;
    throw new LostGpuError(lossReason, { ...options, cause });
  }
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof OutOfMemoryError ||
    error instanceof Error && error.cause instanceof OutOfMemoryError;
}

function tellSkipped({ skipped }: OpenedImages): void {
  if (skipped.size === 0) return;
  const one = skipped.size === 1;
  say(`${skipped.size} image${one ? " was" : "s were"} skipped:`);
  for (const [name, reason] of skipped) say(`  ${name}: ${reason}`);
}

async function openCast<Settings extends RunSettings>(
  task: RunTask<Settings>,
  settings: Settings,
  { world, ...start }: Start & { world: World },
): Promise<RunCast> {
  const { logs } = settings;
  for (const name of task.weights(settings, start)) {
    if (name !== "") await findWeights(name, { logs });
  }
  using opened = new DisposableStack();
  const gpu = opened.use(await Gpu.open());
  if (settings.dtype === "half") gpu.wantHalf("train with --dtype half");
  const openImages = () => task.openImages(settings, { mayWrite: world.rank === 0, share: world });
  const images = opened.use(await inTurn(world, openImages));
  const { data } = images;
  const networks = await task.openNetworks(gpu, settings, { ...start, classes: data.classes });
  const kept = opened.move();
  return { gpu, data, images, world, ...networks, [Symbol.dispose]: () => kept.dispose() };
}
