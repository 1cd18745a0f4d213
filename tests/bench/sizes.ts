import { type Gpu, summarise, timeOnGpu } from "../../mod.ts";
import type { SizeRow } from "./rows.ts";
import { openTraining, type Step, stepName, type Training } from "./steps.ts";

/**
 * Times a training step at several batch sizes in turns, so that the host's noise hits all alike. A size that the
 * adapter has no room for is left out.
 *
 * @param batches The sizes, the first of which the others are compared with.
 */
export async function* sizeRows(
  gpu: Gpu,
  step: Step,
  { batches, samples }: { batches: readonly number[]; samples: number },
): AsyncGenerator<SizeRow> {
  await using opened = new AsyncDisposableStack();
  const trainings: { batch: number; training: Training }[] = [];
  for (const batch of batches) {
    const training = opened.use(await openTraining(gpu, step, { batch }));
    try {
      await training.run(1);
    } catch (error) {
      if (error instanceof RangeError) continue;
      throw error;
    }
    trainings.push({ batch, training });
  }
  const programs = trainings.flatMap(({ training }) => training.trainer.program ?? []);
  const times = await timeOnGpu(gpu, programs, { samples, seconds: 0 });
  const perImage = trainings.map(({ batch }, at) => times[at]?.map((took) => took / batch) ?? []);
  for (const [at, { batch }] of trainings.entries()) {
    const own = perImage[at] ?? [];
    yield {
      kind: "size",
      step: stepName(step),
      batch,
      ms_an_image: summarise(own.map((took) => took * 1e3)),
      times_first: summarise(own.map((took, turn) => took / (perImage[0]?.[turn] ?? NaN))),
    };
  }
}
