import { readCifar } from "../../data/cifar.ts";
import type { Gpu } from "../../lib/gpu/device.ts";
import { transferTerms, type TransferWeights } from "../../lib/losses/transfer_terms.ts";
import { openModel } from "../../lib/models/open_model.ts";
import { type FinishedStep, fit } from "../../lib/train/fit.ts";
import { takeImages } from "../../lib/train/image_set.ts";
import type { StepOptions } from "../../lib/train/step_options.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { floats } from "../../lib/weights/safetensors.ts";
import { assertClose } from "./assert_close.ts";
import { MINI, TRAJECTORIES } from "./mini.ts";
import { Oracle } from "./oracle.ts";

interface OracleStep {
  readonly loss: number;
  readonly at_losses?: readonly number[];
}

interface Followed {
  readonly wanted: readonly OracleStep[];
  readonly steps: readonly FinishedStep[];
  readonly weights: NamedTensors;
}

const BATCH = 32;

/** Trains as PyTorch did in a run. */
export async function follow(
  gpu: Gpu,
  { run, weights, maxSteps, ...options }:
    & { run: string; weights: TransferWeights; maxSteps: number }
    & Pick<StepOptions, "world" | "syncsStatistics" | "exchangeDtype">,
): Promise<Followed> {
  const { lr, steps: wanted } = JSON.parse(await Deno.readTextFile(`${TRAJECTORIES}${run}.json`));
  using model = await openModel(gpu, `${TRAJECTORIES}student_init.safetensors`);
  using teacher = await openModel(gpu, `${TRAJECTORIES}teacher.safetensors`);
  const data = await readCifar("CIFAR10", { root: MINI });
  const steps: FinishedStep[] = [];
  await fit(model, {
    data: { ...data, test: takeImages(data.test, BATCH) },
    teacher: run.startsWith("ce") ? null : teacher,
    objective: transferTerms(weights),
    epochs: 2,
    batchSize: BATCH,
    learningRate: lr,
    augment: { padding: 0, flips: false },
    shuffle: false,
    maxSteps,
    // The fixed table's kernels: which others win depends on the moment.
    autotune: "off",
    onSteps: (finished) => void steps.push(...finished),
    ...options,
  });
  return { wanted: wanted.slice(0, maxSteps), steps, weights: await model.parameters.save() };
}

/** The runs that PyTorch made, at learning rate 0.1. */
export const RUNS = {
  ce: {},
  at: { beta: 1000 },
  kd: { alpha: 0.9, temperature: 4 },
} as const;

/** The runs at lower rates, and how close ours stay to them. */
export const SLOW_RUNS = {
  "ce_lr0.01": { weights: RUNS.ce, rtol: 1e-3 },
  "at_lr0.001": { weights: RUNS.at, rtol: 3e-3 },
  "kd_lr0.01": { weights: RUNS.kd, rtol: 1e-3 },
} as const;

const STEPS = 20;

/** Trains as PyTorch did in a run at a low rate, and compares losses and, at the end, weights. */
export async function assertFollows(
  gpu: Gpu,
  run: keyof typeof SLOW_RUNS,
  { maxSteps = STEPS }: { maxSteps?: number } = {},
): Promise<void> {
  const { weights, rtol } = SLOW_RUNS[run];
  const followed = await follow(gpu, { run, weights, maxSteps });
  const { wanted, steps } = followed;
  assertClose(steps.map(({ loss }) => loss), wanted.map(({ loss }) => loss), {
    rtol,
    what: `${run} loss`,
  });
  for (const { step, losses: { attention = [] } } of steps) {
    const losses = wanted[step]?.at_losses;
    if (losses === undefined || attention.length === 0) continue;
    assertClose(attention, losses, {
      rtol: step < 3 ? 5e-4 : 1e-2,
      what: `${run} at-losses of step ${step}`,
    });
  }
  if (maxSteps === STEPS) await assertWeights(run, followed.weights);
}

async function assertWeights(run: string, weights: NamedTensors): Promise<void> {
  const oracle = await Oracle.open(`traj/${run}.safetensors`);
  for (const [name, tensor] of weights) {
    const wanted = oracle.raw(`final.${name}`);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const atol = name.includes("running") ? 5e-3 * largest : 4e-3;
    assertClose(floats(tensor, `compare ${name}`), wanted, { atol, what: `${run} ${name}` });
  }
}
