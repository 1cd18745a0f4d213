import type { Model } from "../models/model.ts";
import { messageOf } from "../weights/message_of.ts";
import { batchSizes } from "./batches.ts";
import { type ImageSet, type StreamedSet, trainingCount } from "./image_set.ts";
import type { Networks } from "./run_kind.ts";
import type { StepOptions } from "./step_options.ts";

/** How a training set is cut into the batches of its steps. */
interface Cuts {
  readonly count: number;
  readonly shuffle: boolean;
  readonly accumulate: number;
  /** The ranks of which each normalises its share by itself. */
  readonly ranks: number;
}

/**
 * Checks that no batch, and no rank's share of one, is a single image that cannot be normalised: batch normalisation
 * needs more than one value per channel, and one image has a single one wherever a network has shrunk it to one pixel. A
 * rank without a share computes one image too.
 *
 * @param networks Who takes part.
 * @param training.data The images.
 * @param training.options What a step does.
 * @throws {RangeError} If there is such a batch; the message names batch sizes that would do.
 */
export function wantTrainableBatches(
  { model, teacher }: Networks,
  { data, options }: { data: ImageSet | StreamedSet; options: StepOptions },
): void {
  const { batchSize = 128, accumulate = 1, shuffle = true, statistics = {} } = options;
  const ranks = options.syncsStatistics === true ? 1 : options.world?.size ?? 1;
  const cuts = { count: trainingCount(data), shuffle, accumulate, ranks };
  if (!hasSingle(batchSize, cuts)) return;
  const side = "sources" in data ? data.sources.train.size : data.size;
  const normalising = [
    ...(statistics.student === "running" ? [] : [model]),
    ...(teacher !== null && statistics.teacher === "batch" ? [teacher] : []),
  ];
  for (const network of normalising) {
    const fault = faultOfOne(network, side);
    if (fault === null) continue;
    throw new RangeError(
      `Cannot train ${model.name}: ${whereSingle(batchSize, cuts)}, which cannot be normalised; ` +
        `${advice(batchSize, cuts)} (${fault})`,
    );
  }
}

/** The images of the first batch that has too few for a rank, `undefined` if none has. */
function smallBatch(
  batchSize: number,
  { count, shuffle, accumulate, ranks }: Cuts,
): number | undefined {
  const sizes = batchSizes({ count, batchSize: batchSize / accumulate, shuffle });
  return sizes.find((size) => Math.floor(size / ranks) < 2);
}

function hasSingle(batchSize: number, cuts: Cuts): boolean {
  return smallBatch(batchSize, cuts) !== undefined;
}

/** What a network says of training on one image, `null` if it can. */
function faultOfOne(network: Model, side: number): string | null {
  const { gpu } = network.parameters;
  try {
    gpu.record(() => network.apply(gpu.empty([1, side, side, 3]), { training: true, momentum: 0 }));
    return null;
  } catch (error) {
    if (error instanceof RangeError) return messageOf(error);
    throw error;
  }
}

function whereSingle(batchSize: number, cuts: Cuts): string {
  const { count, accumulate, ranks } = cuts;
  const size = batchSize / accumulate;
  const small = smallBatch(batchSize, cuts) ?? NaN;
  if (ranks > 1) {
    const place = small < Math.min(size, count)
      ? `left for the last batch of ${size}`
      : "of a batch";
    return `of the ${small} image${small === 1 ? "" : "s"} ${place}, one of ${ranks} ranks has ${
      Math.floor(small / ranks)
    }`;
  }
  return size === 1 || count === 1
    ? "each batch is one image"
    : `1 of ${count} images is left for the last batch of ${size}`;
}

/** Names the nearest batch sizes that would do, the smaller first, or what else would. */
function advice(batchSize: number, cuts: Cuts): string {
  const { count, accumulate, ranks } = cuts;
  const canSync = ranks > 1 && !hasSingle(batchSize, { ...cuts, ranks: 1 });
  const others = canSync ? ["--sync_bn"] : [];
  if (count < 2 * ranks) {
    return ranks === 1
      ? "use more than one training image"
      : `use ${["fewer ranks", ...others].join(" or ")}`;
  }
  const fits = (size: number) => size > accumulate && !hasSingle(size, cuts);
  const found: number[] = [];
  let [smaller, larger] = [batchSize, batchSize];
  while (smaller > 0 && !fits(smaller)) smaller -= accumulate;
  if (smaller > 0) found.push(smaller);
  while (!fits(larger)) larger += accumulate; // A batch of all images fits.
  found.push(larger);
  return `use ${[`--batch_size ${found.join(" or ")}`, ...others].join(", or ")}`;
}
