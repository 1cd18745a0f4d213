import type { Question } from "../../lib/gpu/tuning.ts";
import { transferTerms } from "../../lib/losses/transfer_terms.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import type { Model } from "../../lib/models/model.ts";
import { CIFAR_KIND } from "../../lib/train/cifar_kind.ts";
import type { FinishedEpoch } from "../../lib/train/fit.ts";
import type { Landed } from "../../lib/train/flight.ts";
import { freeImages, storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { Run } from "../../lib/train/run.ts";
import { RunFolder } from "../../lib/train/run_folder.ts";
import { CIFAR_DEFAULTS, type CifarSettings } from "../../lib/train/settings/cifar_settings.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { FakeClock } from "./fake_clock.ts";
import { testGpu } from "./gpu.ts";
import { tinyModel, tinySet } from "./tiny.ts";

/** The steps of an epoch of a tiny run, the last of them with a short batch. */
export const STEPS = 4;

/** The settings of a tiny run: three epochs with a drop of the learning rate at each but the first. */
export const TINY: Readonly<CifarSettings> = {
  ...CIFAR_DEFAULTS,
  batch_size: 4,
  epochs: 3,
  epoch_step: [2, 3],
  lr_decay_ratio: 0.5,
  log_every: 1,
  seed: 3,
};

const DATA = tinySet({ train: 14, test: 10 });

/** How a tiny run departs from the usual. */
export interface TinyRunOptions {
  readonly settings?: Partial<CifarSettings>;
  readonly teacher?: Model;
  /** Whether it goes on where the folder's checkpoint stands. */
  readonly resume?: boolean;
  /** The number of steps after which it is interrupted. */
  readonly stopAfter?: number;
  readonly onEpoch?: (epoch: FinishedEpoch) => void;
  /** How its kernels are chosen. Default: not at all. */
  readonly autotune?: Autotune;
  readonly cacheFolder?: string;
  readonly onTuning?: () => void;
  readonly onNote?: (note: string) => void;
}

/** Trains in a folder, and tells whether it came to its end. */
export async function tinyRun(
  path: string,
  { settings = {}, teacher, resume = false, stopAfter = Infinity, ...listeners }: TinyRunOptions =
    {},
): Promise<boolean> {
  using _clock = new FakeClock({ tick: 1 });
  using model = tinyModel(await testGpu(), { seed: resume ? 99 : TINY.seed });
  const controller = new AbortController();
  if (stopAfter === 0) controller.abort();
  const options = {
    folder: resume ? await RunFolder.open(path) : await RunFolder.create(path),
    kind: CIFAR_KIND,
    settings: { ...TINY, ...settings },
    data: DATA,
    teacher: teacher ?? null,
    signal: controller.signal,
    onProgress: ({ last }: Landed) => {
      if (last.step + 1 >= stopAfter) controller.abort();
    },
    autotune: "off" as const,
    ...listeners,
  };
  const run = resume ? await Run.resume(model, options) : await Run.start(model, options);
  return await run.train();
}

/** What the kernels of a tiny run's step are chosen by. */
export async function tinyQuestions(): Promise<Question[]> {
  const gpu = await testGpu();
  using model = tinyModel(gpu);
  const store = storeImages(gpu, { images: DATA.train, set: DATA });
  using trainer = new Trainer(model, {
    feed: new ResidentFeed(gpu, store, {
      batchSize: TINY.batch_size,
      order: "drawn",
      seed: TINY.seed,
      augment: { padding: 4, flips: true },
    }),
    objective: transferTerms(),
    teacher: null,
    momentum: 0.9,
    weightDecay: TINY.weight_decay,
    nesterov: false,
  });
  const asked = gpu.tuning.listen(() => {
    for (const rehearse of trainer.rehearsals.slice(0, 1)) gpu.record(rehearse);
  });
  freeImages(store);
  return asked.map(({ question }) => question);
}

/** The objects of a run's log, one a line. */
export async function linesOf(path: string, log: "log.txt" | "steps.jsonl") {
  const text = await Deno.readTextFile(`${path}/${log}`);
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new Error(`${log} ends in the middle of a line`);
  return lines.map((line): Record<string, unknown> =>
    JSON.parse(line.replace(/^json_stats: /, ""))
  );
}

/** The same without what the clock decides. */
export async function timelessLinesOf(path: string, log: "log.txt" | "steps.jsonl") {
  const lines = await linesOf(path, log);
  return lines.map(({ images_per_s: _speed, train_time: _train, test_time: _test, ...rest }) =>
    rest
  );
}

/** The names of the files in a folder. */
export async function filesIn(path: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(path), ({ name }) => name)).sort();
}
