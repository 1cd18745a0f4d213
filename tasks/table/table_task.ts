import type { Gpu } from "../../lib/gpu/device.ts";
import type { Model } from "../../lib/models/model.ts";
import { Draws } from "../../lib/random.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import type { ImageSet } from "../../lib/train/image_set.ts";
import type { Networks } from "../../lib/train/run_kind.ts";
import type { RunSettings } from "../../lib/train/settings/run_settings.ts";
import type { StepOptions } from "../../lib/train/step_options.ts";
import type { LaunchRequest } from "../launch/launch_request.ts";

/** How the runs of a table are trained. */
export interface TrainOptions {
  /** How kernels are chosen. */
  readonly autotune: Autotune | undefined;
  /** What the command line said of ranks and GPUs. */
  readonly launch: LaunchRequest | undefined;
  /** The command that goes on with the table after a stop. */
  readonly goesOn: string;
}

/** Makes a network unless one of that key has been made: rows share most of theirs, and nothing changes them. */
export type MakeOnce = (key: string, make: () => Model) => Model;

/** Some training of a run's kind, whose work tells what the run would take. */
export interface Sample extends Networks {
  /** A few images, as random as the weights. */
  readonly data: ImageSet;
  /** What a step does. */
  readonly options: StepOptions;
}

/** The images that a run goes over in an epoch. */
export interface SetSizes {
  /** To train on. */
  readonly train: number;
  /** To test on. */
  readonly test: number;
}

/** A task that trains runs of a table. Settings are passed as those of any run; each task reads its own out of them. */
export interface TableTask {
  /** What the settings are by default. */
  readonly defaults: Readonly<RunSettings>;
  /** The setting that names the teacher. */
  readonly teacher: string;
  /** The images of a step that a software adapter times in a bearable time. */
  readonly fewImages: number;
  /**
   * Fills in what is left out.
   *
   * @param source What the settings were read from, for messages.
   * @throws {TypeError} If a setting has another type.
   * @throws {RangeError} If a value is out of its range.
   */
  read(settings: object, source: string): RunSettings;
  /**
   * Starts a run.
   *
   * @returns The exit code.
   */
  start(settings: RunSettings, options: TrainOptions): Promise<number>;
  /**
   * Takes up the run that `save` names.
   *
   * @returns The exit code.
   */
  resume(settings: RunSettings, options: TrainOptions): Promise<number>;
  /** Tells how many images a run would go over, without a look at them. */
  sizes(settings: RunSettings): SetSizes;
  /**
   * Makes a sample of a run without data and without weights.
   *
   * @param options.teacher How the teacher would be trained, `null` where none is or it comes from a file.
   * @param options.images The images of a step.
   * @param options.once Makes its networks, which are not the sample's to dispose of.
   */
  sample(
    gpu: Gpu,
    settings: RunSettings,
    options: { teacher: RunSettings | null; images: number; once: MakeOnce },
  ): Promise<Sample>;
}

/** Makes images of random pixels, the same to train on and to test on. */
export function randomImages(
  name: string,
  { count, size, classes }: { count: number; size: number; classes: number },
): ImageSet {
  const draws = new Draws(0);
  const bytes = (length: number, below: number) =>
    Uint8Array.from({ length }, () => draws.below(below));
  const images = {
    count,
    pixels: bytes(count * 3 * size * size, 256),
    labels: bytes(count, classes),
  };
  const grey = [127.5, 127.5, 127.5] as const;
  return { name, classes, size, mean: grey, std: grey, train: images, test: images };
}
