import { isRecord, member, parseJson } from "../json.ts";
import type { LossScaleState } from "../optim/loss_scale.ts";
import { floats } from "../weights/file_tensor.ts";
import type { NamedTensors } from "../weights/parameter_set.ts";
import { readWeights } from "../weights/read_weights.ts";
import { formatSafetensors } from "../weights/safetensors.ts";
import type { FinishedStep, Position } from "./fit.ts";
import type { Trainer } from "./trainer.ts";

/** What a run knows beside its weights and momentum. */
export interface Progress {
  /** Where it stands. */
  readonly position: Position;
  /** The whole epochs before that; NaN in what earlier versions wrote. */
  readonly epochs: number;
  /** The steps since the last line of `steps.jsonl`. */
  readonly unlogged: readonly FinishedStep[];
  /** The steps so far that changed nothing, for a number that was not finite. */
  readonly skipped: number;
  /** The best test accuracy after a whole epoch, in percent; `null` before the first. */
  readonly best: number | null;
}

/** A checkpoint as it is read back. */
export interface Checkpoint {
  /** What the run knew. */
  readonly progress: Progress;
  /** Where the loss scale stood, `null` in float32. */
  readonly lossScale: LossScaleState | null;
  /** Overwrites the weights, the momentum and the loss scale. */
  restore(trainer: Trainer): void;
}

const PARAMETERS = "parameters.";
const MOMENTUM = "momentum.";
/** Before the names of the objective's own. */
const OBJECTIVE = "objective.";

function* prefixed(prefix: string, tensors: NamedTensors) {
  for (const [name, tensor] of tensors) yield [prefix + name, tensor] as const;
}

function stripped(prefix: string, tensors: NamedTensors): NamedTensors {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

/**
 * Everything that a run needs to go on, as one safetensors file, so that its parts always belong together.
 *
 * @param trainer The trainer, for the momentum and the loss scale.
 * @param weights The network's parameters.
 * @param progress The rest.
 * @throws {RangeError} If a tensor has a number that is not finite.
 */
export async function formatCheckpoint(
  trainer: Trainer,
  { weights, progress }: { weights: NamedTensors; progress: Progress },
): Promise<Uint8Array> {
  const [network, objective] = trainer.learned;
  const momentum = await network.velocity.save();
  const tensors = new Map([
    ...prefixed(PARAMETERS, weights),
    ...prefixed(MOMENTUM, momentum),
    ...(objective === undefined ? [] : [
      ...prefixed(OBJECTIVE + PARAMETERS, await objective.parameters.save()),
      ...prefixed(OBJECTIVE + MOMENTUM, await objective.velocity.save()),
    ]),
  ]);
  wantFinite(tensors, progress.position);
  const scale = await trainer.lossScale?.read();
  return formatSafetensors(tensors, {
    progress: JSON.stringify(progress),
    ...(scale === undefined ? {} : { loss_scale: JSON.stringify(scale) }),
  });
}

/** Checks that nothing is saved which no training could go on from. */
function wantFinite(tensors: NamedTensors, { step }: Position): void {
  for (const [name, tensor] of tensors) {
    const wrong = floats(tensor, `save ${name}`).find((value) => !Number.isFinite(value));
    if (wrong === undefined) continue;
    throw new RangeError(
      `Cannot save before step ${step}: ${name} must be finite, found ${wrong} in it; lower the learning rate`,
    );
  }
}

function number(value: unknown): number {
  return typeof value === "number" ? value : NaN;
}

function stepOf(value: unknown): FinishedStep {
  const read = (name: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, name) : null;
  const scaling = read("scaling");
  const topFive = read("topFive");
  const fault = read("fault");
  return {
    step: number(read("step")),
    epoch: number(read("epoch")),
    rate: number(read("rate")),
    images: number(read("images")),
    seconds: number(read("seconds")),
    loss: number(read("loss")),
    right: number(read("right")),
    ...(topFive === undefined ? {} : { topFive: number(topFive) }),
    losses: lossesOf(read("losses") ?? { attention: read("attention") }),
    ...(typeof scaling !== "object" || scaling === null ? {} : {
      scaling: {
        scale: number(Reflect.get(scaling, "scale")),
        isSkipped: Reflect.get(scaling, "isSkipped") === true,
      },
    }),
    ...(typeof fault === "string" ? { fault } : {}),
  };
}

/** The losses of a step by their terms; runs of earlier versions kept those of the attention alone. */
function lossesOf(value: unknown): Record<string, number[]> {
  const entries = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return Object.fromEntries(entries.map(([name, losses]) => [
    name,
    Array.isArray(losses) ? losses.map(number) : [],
  ]));
}

function lossScaleOf(text: string | undefined): LossScaleState | null {
  const value = parseJson(text ?? "");
  if (!isRecord(value)) return null;
  const read = (name: string) => number(value[name]);
  return { scale: read("scale"), good: read("good"), skipped: read("skipped") };
}

/**
 * Reads a checkpoint.
 *
 * @param path The file.
 * @throws {TypeError} If the file is not a checkpoint.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata } = await readWeights(path);
  const value = parseJson(metadata["progress"] ?? "");
  const position = member(value, "position");
  if (!isRecord(position)) {
    throw new TypeError(
      `Cannot resume from ${path}: wanted a checkpoint with its progress, found none`,
    );
  }
  const read = (key: string) => member(value, key);
  const [epochs, unlogged, skipped, best] = ["epochs", "unlogged", "skipped", "best"].map(read);
  const steps = (list: unknown) => Array.isArray(list) ? list.map(stepOf) : [];
  const lossScale = lossScaleOf(metadata["loss_scale"]);
  return {
    lossScale,
    progress: {
      position: { step: number(position["step"]), stepsOfEpoch: steps(position["stepsOfEpoch"]) },
      epochs: number(epochs),
      unlogged: steps(unlogged),
      // Earlier versions skipped steps in half precision alone, where the loss scale counts them.
      skipped: typeof skipped === "number" ? skipped : lossScale?.skipped ?? 0,
      best: typeof best === "number" ? best : null,
    },
    restore(trainer: Trainer) {
      if (trainer.lossScale !== null && lossScale === null) {
        throw new TypeError(
          `Cannot resume from ${path} in half precision: wanted a checkpoint with its loss scale, found none`,
        );
      }
      if (lossScale !== null) trainer.lossScale?.write(lossScale);
      for (const [at, { parameters, velocity }] of trainer.learned.entries()) {
        const prefix = at === 0 ? "" : OBJECTIVE;
        parameters.load(stripped(prefix + PARAMETERS, tensors), { from: path });
        velocity.load(stripped(prefix + MOMENTUM, tensors), { from: path });
      }
    },
  };
}
