import { resolve } from "node:path";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { Plan } from "../../lib/gpu/plan.ts";
import type { TuningState } from "../../lib/gpu/tuner.ts";
import type { Variants } from "../../lib/gpu/tuning.ts";
import type { Model } from "../../lib/models/model.ts";
import type { World } from "../../lib/mpi/world.ts";
import { networkTensors } from "../../lib/models/network_tensors.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { saveLocation } from "../../lib/train/find_run.ts";
import type { FinishedEpoch, FinishedStep } from "../../lib/train/fit.ts";
import type { Landed } from "../../lib/train/flight.ts";
import { type ImageSet, type StreamedSet, trainingCount } from "../../lib/train/image_set.ts";
import { profileExchange } from "../../lib/train/profile_exchange.ts";
import { profileStep } from "../../lib/train/profile_step.ts";
import { wantTrainableBatches } from "../../lib/train/last_batch.ts";
import { Run } from "../../lib/train/run.ts";
import { RunFolder } from "../../lib/train/run_folder.ts";
import type { RunKind } from "../../lib/train/run_kind.ts";
import { type RunSettings, skipsSteps } from "../../lib/train/settings/run_settings.ts";
import { soundSteps } from "../../lib/train/step_result.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { type LaunchRequest, launchWords } from "../launch/launch_request.ts";
import { noteOf } from "./open_teacher.ts";
import { formatProfile } from "./profile_text.ts";
import { readPath, shortPath } from "../command_line/paths.ts";
import { createProgress, createTuningProgress } from "../command_line/progress.ts";
import { shellWord } from "../command_line/shell_word.ts";
import { StopSignals } from "../command_line/stop_signals.ts";
import { trainingView } from "./training_view.ts";
import { print, say } from "../command_line/screen.ts";
import { nameAdapter } from "../launch/hidden_card.ts";

/** Who takes part in a run. */
export interface Cast {
  /** The device. */
  readonly gpu: Gpu;
  /** The images. */
  readonly data: ImageSet | StreamedSet;
  /** The network that learns. */
  readonly model: Model;
  /** The network that it learns from. */
  readonly teacher: Model | null;
  /** The ranks that train together. */
  readonly world: World;
}

/** What a task trains, and how it is told to. */
export interface Job<Settings extends RunSettings> {
  /** The command, as a person types it. */
  readonly command: string;
  /** The command that goes on, where that is not the same one with `--resume`. */
  readonly goesOn?: string | undefined;
  /** The kind of its runs. */
  readonly kind: RunKind<Settings>;
  /** The settings. */
  readonly settings: Settings;
  /** The settings of a run that is told nothing. */
  readonly defaults: Readonly<Settings>;
  /** How kernels are chosen. */
  readonly autotune: Autotune | undefined;
  /** What the command line said of ranks and GPUs. */
  readonly launch: LaunchRequest | undefined;
}

/**
 * Checks that these networks can be trained as the settings say.
 *
 * @throws {RangeError} If a network does not have a group that is compared, or a batch of one image is left over that
 * cannot be normalised.
 */
export function wantTrainable<Settings extends RunSettings>(
  cast: Cast,
  { kind, settings }: Pick<Job<Settings>, "kind" | "settings">,
): void {
  const { data, world } = cast;
  const { sync_bn: syncsStatistics } = settings;
  const options = { ...kind.stepOptions(settings, cast), world, syncsStatistics };
  wantTrainableBatches(cast, { data, options });
}

/**
 * Makes the folder of a new run, once it is sure that these networks can be trained as the settings say.
 *
 * @param cast Who takes part.
 * @param options.job What is trained, and where it goes.
 * @param options.name What it is called where it is not said; a number is added where that is taken.
 */
export async function newFolder<Settings extends RunSettings>(
  cast: Cast,
  { job, name }: { job: Job<Settings>; name: string },
): Promise<RunFolder> {
  wantTrainable(cast, job);
  const { logs, save } = job.settings;
  return save === ""
    ? await RunFolder.create(saveLocation(name, logs), { numbered: true })
    : await RunFolder.create(saveLocation(save, logs));
}

/** Overwrites a network with the weights that `--init` names, if it does; they are read as a teacher's are. */
export async function initialise(
  model: Model,
  { init, take }: Pick<RunSettings, "init" | "take">,
): Promise<void> {
  if (init === "") return;
  const { tensors, notes } = await readWeights(init, { take: take === "" ? undefined : take });
  for (const note of notes) say(noteOf(init, note));
  model.parameters.load(networkTensors(tensors, { from: init }), { from: init });
}

/**
 * Trains a few steps as a run would, and prints where the time and the memory of one go.
 *
 * @returns The exit code.
 */
export async function profileCast<Settings extends RunSettings>(
  { gpu, data, model, teacher, world }: Cast,
  { kind, settings, autotune }: Job<Settings>,
): Promise<number> {
  using tuning = createTuningProgress();
  const options = {
    ...kind.stepOptions(settings, { model, teacher }),
    data,
    teacher,
    autotune,
    onTuning: (state: TuningState) => tuning.update(state),
    onNote: (note: string) => tuning.note(note),
  };
  const profile = await profileStep(model, options);
  const { sync_bn: syncsStatistics, allreduce_dtype: exchangeDtype } = settings;
  const shared = { ...options, world, syncsStatistics, exchangeDtype };
  const exchange = await profileExchange(model, shared);
  if (world.rank > 0) return 0;
  const names = teacher === null ? model.name : `${model.name} from ${teacher.name}`;
  print(
    formatProfile(profile, {
      title: `${names} on ${data.name}`,
      adapter: gpu.adapter.name,
      exchange,
    }),
  );
  return 0;
}

/**
 * Trains in a folder, with everything that a person sees of it.
 *
 * @param cast Who takes part.
 * @param options The job, the folder, and whether a run is taken up there.
 * @returns The exit code.
 * @throws {RangeError} If another process trains in the folder.
 */
export async function trainCast<Settings extends RunSettings>(
  { gpu, data, model, teacher, world }: Cast,
  { job, folder, resumes }: { job: Job<Settings>; folder: RunFolder; resumes: boolean },
): Promise<number> {
  const { kind, settings, autotune } = job;
  using _held = await folder.hold();
  using stop = new StopSignals();
  using tuning = createTuningProgress();
  using progress = createProgress();
  const view = trainingView(progress, { settings, data });
  const options = {
    folder,
    kind,
    settings,
    data,
    teacher,
    world,
    signal: stop.signal,
    autotune,
    onTuning: (state: TuningState) => tuning.update(state),
    onNote: (note: string) => tuning.note(note),
    onVariants: (variants: Variants) => {
      tuning.done();
      if (Object.keys(variants).length > 0) progress.note(variantsNote(variants));
    },
    onPlan: ({ dispatches, peakBytes, intermediateBytes }: Plan) =>
      progress.note(
        `${dispatches.length} dispatches a step; intermediate tensors take ${
          megabytes(peakBytes)
        } MB (${megabytes(intermediateBytes)} MB without sharing)`,
      ),
    onProgress: (landed: Landed) => view.onProgress(landed),
    onSteps: (steps: readonly FinishedStep[]) => view.onSteps(steps),
    onEpoch: (epoch: FinishedEpoch) => progress.note(epochNote(epoch, settings)),
  };
  const run = resumes ? await Run.resume(model, options) : await Run.start(model, options);
  const parameters = model.parameters.count({ statistics: true });
  progress.note(
    `${model.name}, ${parameters} parameters${teacher === null ? "" : `, from ${teacher.name}`}; ` +
      `${data.name}, ${trainingCount(data)} images; ${nameAdapter(gpu.adapter)}; ${
        shortPath(folder.path)
      }`,
  );
  const isDone = await run.train();
  if (skipsSteps(settings)) {
    progress.note(`${run.skippedSteps} steps skipped for numbers that were not finite`);
  }
  if (resumes && run.wasFinished) progress.note(finishedNote(folder, settings));
  progress.done();
  if (isDone) return 0;
  say(stopNote(folder, { job, ranks: world.size }));
  return stop.exitCode;
}

/** Takes part in a run as another rank than 0, which says and writes everything. */
export async function followCast<Settings extends RunSettings>(
  { data, model, teacher, world }: Cast,
  { kind, settings }: Job<Settings>,
): Promise<number> {
  using stop = new StopSignals();
  const run = Run.follow(model, { kind, settings, data, teacher, world, signal: stop.signal });
  return await run.train() ? 0 : stop.exitCode;
}

function finishedNote(folder: RunFolder, { epochs, max_steps }: RunSettings): string {
  const bound = max_steps === null ? "" : ` and --max_steps ${max_steps}`;
  return `${
    shortPath(folder.path)
  } is finished already, with --epochs ${epochs}${bound}; more of them train it further`;
}

/** What {@link resumeCommand} reads of a job. */
type ResumedJob =
  & Pick<Job<RunSettings>, "command" | "launch">
  & Record<"settings" | "defaults", Pick<RunSettings, "logs">>;

/**
 * Says how to go on with a run that was stopped.
 *
 * @param folder Where the run is.
 * @param options.job What is trained.
 * @param options.ranks How many ranks there were.
 */
export function stopNote(
  folder: Pick<RunFolder, "name" | "path">,
  { job, ranks }: { job: ResumedJob & Pick<Job<RunSettings>, "goesOn">; ranks: number },
): string {
  const isOurLaunch = ranks === 1 || job.launch?.ngpu !== undefined;
  const how = isOurLaunch ? "" : ", under mpirun or srun as before,";
  return `Stopped and saved; go on${how} with: ${job.goesOn ?? resumeCommand(folder, job)}`;
}

/**
 * Words the command that goes on with a run, as a shell takes it.
 *
 * @param folder Where the run is.
 * @param job What is trained.
 */
export function resumeCommand(
  folder: Pick<RunFolder, "name" | "path">,
  { command, settings: { logs }, defaults, launch = {} }: ResumedJob,
): string {
  const ranks = launchWords(launch).map((word) => ` ${word}`).join("");
  const isInLogs = resolve(saveLocation(folder.name, logs)) === resolve(folder.path);
  if (!isInLogs) return `${command} --resume ${shellWord(shortPath(folder.path))}${ranks}`;
  const isDefault = resolve(logs) === resolve(readPath(defaults.logs, "logs"));
  const where = isDefault ? "" : ` --logs ${shellWord(shortPath(logs))}`;
  return `${command} --resume ${shellWord(folder.name)}${where}${ranks}`;
}

function variantsNote(variants: Variants): string {
  const counts = new Map<string, number>();
  for (const name of Object.values(variants)) counts.set(name, (counts.get(name) ?? 0) + 1);
  const words = [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) =>
    `${count} ${name}`
  );
  return `convolution kernels: ${words.join(", ")}`;
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1);
}

function epochNote({ epoch, steps, evaluation }: FinishedEpoch, { epochs }: RunSettings): string {
  const seconds = steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const sound = soundSteps(steps);
  const sum = (value: (step: FinishedStep) => number) =>
    sound.reduce((sum, step) => sum + value(step), 0);
  const share = (right: number) => (100 * right / sum(({ images }) => images)).toFixed(2);
  const loss = sum(({ loss }) => loss) / sound.length;
  const { topFive } = evaluation;
  const [trainFive, testFive] = topFive === undefined ? ["", ""] : [
    ` (top-5 ${share(sum(({ topFive = NaN }) => topFive))} %)`,
    ` (top-5 ${topFive.toFixed(2)} %)`,
  ];
  return `epoch ${epoch}/${epochs}: train_loss ${loss.toFixed(4)}  train_acc ${
    share(sum(({ right }) => right))
  } %${trainFive}  test_loss ${evaluation.loss.toFixed(4)}  test_acc ${
    evaluation.accuracy.toFixed(2)
  } %${testFive}  ${seconds.toFixed(1)} s`;
}
