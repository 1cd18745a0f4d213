import {
  type CeilingKernel,
  chooseVariants,
  foldedResNet,
  type Gpu,
  groupWidths,
  type ImageSet,
  type Model,
  type RealType,
  resNet,
  RESNET_WIDTHS,
  resNetBlocks,
  summarise,
  timeOnGpu,
  Trainer,
  transferTerms,
  type TransferWeights,
  wideResNet,
} from "../../mod.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { storeImages } from "../../lib/train/image_store.ts";
import { ResidentFeed } from "../../lib/train/resident_feed.ts";
import { Draws } from "../../lib/random.ts";
import { imageNetwork, type Network, stepFlop, wideNetwork } from "./convolutions.ts";
import type { StepRow } from "./rows.ts";

/** What a step minimises: the original's weights. */
export const LOSSES = {
  CE: {},
  AT: { beta: 1000 },
  KD: { alpha: 0.9 },
} as const satisfies Record<string, TransferWeights>;

/** A training step to time. */
export interface Step {
  readonly loss: keyof typeof LOSSES;
  readonly student: Network;
  readonly teacher: Network | null;
  /** Depth and width of the wide ResNets, for peers; null for ResNets. */
  readonly wide: { readonly student: WideSizes; readonly teacher: WideSizes | null } | null;
  readonly makeStudent: (gpu: Gpu) => Model;
  readonly makeTeacher: ((gpu: Gpu) => Model) | null;
}

/** Depth and width factor. */
export type WideSizes = readonly [depth: number, width: number];

/** `AT WRN-16-1 from WRN-16-2`. */
export function stepName({ loss, student, teacher }: Step): string {
  return `${loss} ${student.name}${teacher === null ? "" : ` from ${teacher.name}`}`;
}

function makeWide([depth, width]: WideSizes, seed: number): (gpu: Gpu) => Model {
  return (gpu) => wideResNet(gpu, { depth, widths: groupWidths(width), classes: 10, seed });
}

/** A step of wide ResNets; the student has seed 0, the teacher 1. */
export function wideStep(
  loss: keyof typeof LOSSES,
  student: WideSizes,
  teacher: WideSizes | null,
): Step {
  return {
    loss,
    student: wideNetwork(...student),
    teacher: teacher === null ? null : wideNetwork(...teacher),
    wide: { student, teacher },
    makeStudent: makeWide(student, 0),
    makeTeacher: teacher === null ? null : makeWide(teacher, 1),
  };
}

/** The wide ResNets of the paper's Table 1: student, teacher. */
const PAIRS: readonly (readonly [WideSizes, WideSizes])[] = [
  [[16, 1], [16, 2]],
  [[16, 1], [40, 1]],
  [[16, 2], [40, 2]],
];

/** CE of each student and AT and KD of each pair of the paper's Table 1. */
export function tableOneSteps(): Step[] {
  return [
    wideStep("CE", [16, 1], null),
    wideStep("CE", [16, 2], null),
    ...PAIRS.flatMap(([student, teacher]) => [
      wideStep("AT", student, teacher),
      wideStep("KD", student, teacher),
    ]),
  ];
}

/** ResNet-18 with attention transfer from the folded ResNet-34. */
export function imageNetStep(side: number): Step {
  const sizes = (depth: number) => ({
    blocks: resNetBlocks(depth),
    widths: RESNET_WIDTHS,
    stem: 64,
    classes: 1000,
  });
  return {
    loss: "AT",
    student: imageNetwork(18, side),
    teacher: imageNetwork(34, side),
    wide: null,
    makeStudent: (gpu) => resNet(gpu, { ...sizes(18), seed: 0 }),
    makeTeacher: (gpu) => foldedResNet(gpu, { ...sizes(34), seed: 1 }),
  };
}

/** Random images with random labels: a batch of them. */
export function randomImages(
  { batch, side, classes }: { batch: number; side: number; classes: number },
): ImageSet {
  const draws = new Draws(7);
  const images = {
    count: batch,
    pixels: Uint8Array.from({ length: batch * 3 * side * side }, () => draws.below(256)),
    labels: Uint8Array.from({ length: batch }, () => draws.below(Math.min(classes, 256))),
  };
  return {
    name: "random",
    classes,
    size: side,
    mean: [127.5, 127.5, 127.5],
    std: [64, 64, 64],
    train: images,
    test: images,
  };
}

/** A training ready to be timed. */
export interface Training extends AsyncDisposable {
  /** Runs steps one after the other and waits once; returns the seconds of one and the last loss. */
  run(steps: number): Promise<{ seconds: number; loss: number }>;
  readonly trainer: Trainer;
}

/** The wait for an idle GPU, in seconds: in Deno it sleeps some 10 ms, which no step is to blame for. */
export async function idleWait(gpu: Gpu): Promise<number> {
  const waits: number[] = [];
  for (let at = 0; at < 3; at++) {
    const start = performance.now();
    await gpu.device.queue.onSubmittedWorkDone();
    waits.push((performance.now() - start) / 1e3);
  }
  return summarise(waits).median;
}

/** Opens a training of a step on random images, one batch of them, over and over. */
export async function openTraining(
  gpu: Gpu,
  step: Step,
  { batch, autotune, dtype = "f32", augmented = true }: {
    batch: number;
    autotune?: Autotune | undefined;
    dtype?: RealType;
    augmented?: boolean;
  },
): Promise<Training> {
  const [, classes] = step.student.linear;
  const set = randomImages({ batch, side: step.student.side, classes });
  const feed = new ResidentFeed(gpu, storeImages(gpu, { images: set.train, set }), {
    batchSize: batch,
    order: "endless",
    augment: augmented ? { padding: 4, flips: true } : { padding: 0, flips: false },
    ownsStore: true,
  });
  const student = step.makeStudent(gpu);
  const teacher = step.makeTeacher?.(gpu) ?? null;
  const trainer = new Trainer(student, {
    feed,
    objective: transferTerms(LOSSES[step.loss]),
    teacher,
    momentum: 0.9,
    weightDecay: 5e-4,
    nesterov: false,
    dtype,
  });
  trainer.variants = await chooseVariants(gpu, { rehearsals: trainer.rehearsals, autotune }) ?? {};
  trainer.beginEpoch(1, { rate: 0.01 });
  const idle = await idleWait(gpu);
  let done = 0;
  return {
    trainer,
    async run(steps) {
      const start = performance.now();
      for (let at = 0; at < steps; at++) await trainer.submit(done++);
      const results = await trainer.take();
      const seconds = Math.max(0, (performance.now() - start) / 1e3 - idle) / steps;
      return { seconds, loss: results.at(-1)?.loss ?? NaN };
    },
    async [Symbol.asyncDispose]() {
      await gpu.settled();
      for (const held of [trainer, feed, student, teacher]) held?.[Symbol.dispose]();
    },
  };
}

/** Times a training step by the wall clock, as training runs, in turns with the multiply-add ceiling. */
export async function stepRow(
  gpu: Gpu,
  step: Step,
  { batch, dtype, autotune, ceiling, samples, seconds }: {
    batch: number;
    dtype: RealType;
    autotune: Autotune | undefined;
    ceiling: CeilingKernel;
    samples: number;
    seconds: number;
  },
): Promise<StepRow> {
  await using training = await openTraining(gpu, step, { batch, dtype, autotune });
  await training.run(1);
  const once = await training.run(1);
  const steps = Math.min(200, Math.max(1, Math.ceil(seconds / Math.max(once.seconds, 1e-4))));
  const flop = stepFlop(step.student, step.teacher, batch);
  const took: number[] = [];
  const shares: number[] = [];
  for (let turn = 0; turn < samples; turn++) {
    const [[ceilingSeconds = NaN] = []] = await timeOnGpu(gpu, [ceiling.program], { samples: 1 });
    const { seconds, loss } = await training.run(steps);
    if (!Number.isFinite(loss)) {
      throw new Error(`Cannot time ${stepName(step)}: the loss is ${loss}`);
    }
    took.push(seconds);
    shares.push(flop / seconds / (ceiling.amount / ceilingSeconds));
  }
  const { plan } = training.trainer;
  const ms = summarise(took.map((value) => value * 1e3));
  return {
    kind: "step",
    step: stepName(step),
    student: step.student.name,
    teacher: step.teacher?.name ?? null,
    loss: step.loss,
    dtype,
    batch,
    gflop: flop / 1e9,
    dispatches: plan?.dispatches.length ?? NaN,
    peak_mib: (plan?.peakBytes ?? NaN) / 2 ** 20,
    ms,
    images_per_second: batch / ms.median * 1e3,
    gflop_per_second: summarise(took.map((value) => flop / value / 1e9)),
    share: summarise(shares),
  };
}
