import type { Gpu } from "./device.ts";
import { GpuError, OutOfMemoryError, OutOfRoomError } from "./errors.ts";
import { Program } from "./program.ts";
import { summarise } from "./summary.ts";
import type { Tensor } from "./tensor.ts";
import { timeOnGpu } from "./timer.ts";
import { TrialCheck } from "./trial_check.ts";
import { type Question, questionKey, type Trial } from "./tuning.ts";

/** How thoroughly variants are compared: `full` measures all of them, and longer. */
export type Effort = "quick" | "full";

/** How the variants of one call are compared. */
export interface TrialOptions {
  /** How thoroughly. */
  readonly effort: Effort;
  /** Images of the made-up call at most. Default: those of the question. */
  readonly batch?: number;
  /** Told why a variant was left out, or a question is not answered. */
  readonly onNote?: ((note: string) => void) | undefined;
  /** Asked before each variant: whether the question must be left. Default: never. */
  readonly isTimeUp?: () => boolean;
  /** What takes the times. Default: {@link timeOnGpu}. */
  readonly time?: typeof timeOnGpu;
}

/** A first look that costs one run, and what it takes to stay in the race after it. */
const GLANCE = { samples: 1, seconds: 0 };
const MOST_TIMES_THE_FASTEST = 1.5;
const MEASUREMENTS = {
  quick: { samples: 3, seconds: 0.003 },
  full: { samples: 9, seconds: 0.02 },
} as const;
/** A later variant must be faster by more than this part, so that noise does not flip a choice. */
const MARGIN = 0.03;
const TOLERANCE = 1e-4;
/**
 * Bytes that a made-up call reads and writes at most, weights left out: each variant has a result of its own. 2^24
 * numbers of float32 are several workgroups for each processor of a card, and from there on kernels are cut up alike for
 * every batch, but for the pixels of a part. All of them take longer with each image then, and the order stays.
 */
const MOST_BYTES = 2 ** 26;
/** A prime, so that the rows of a tensor do not repeat. */
const RANDOM_BLOCK = 65521;

interface Candidate {
  readonly variant: string;
  readonly program: Program<Tensor>;
}

function randomBlock(seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: RANDOM_BLOCK }, () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9;
    return (state >>> 0) / 2 ** 31 - 1;
  });
}

/** Fills a tensor with random numbers and returns what it holds then. */
function fill(tensor: Tensor, seed: number): Float32Array {
  const block = randomBlock(seed);
  const values = new Float32Array(tensor.size);
  for (let at = 0; at < values.length; at += RANDOM_BLOCK) {
    values.set(block.subarray(0, values.length - at), at);
  }
  tensor.write(values);
  return tensor.dtype === "f16" ? values.map(Math.f16round) : values;
}

/** The most images that a question's call is made up with. */
export function imagesOfTrial({ batch, imageBytes }: Question): number {
  return Math.min(batch, Math.max(1, Math.floor(MOST_BYTES / imageBytes)));
}

/** The variants of a question that are compared, the plain one first. */
export function comparedVariants(
  { variants, quick = variants }: Question,
  effort: Effort,
): readonly string[] {
  return effort === "quick" ? quick : variants;
}

/** Prepares the variants that run and compute what the plain one does; `null` where that cannot be found out. */
async function rightCandidates(
  gpu: Gpu,
  question: Question,
  { held, effort, batch = Infinity, onNote = () => {}, isTimeUp = () => false }:
    & Omit<TrialOptions, "time">
    & { held: DisposableStack },
): Promise<Candidate[] | null> {
  const { tolerance = TOLERANCE, trial } = question;
  const key = questionKey(question);
  const images = Math.min(batch, imagesOfTrial(question));
  const candidates: Candidate[] = [];
  let call: { values: readonly Float32Array[] } & Pick<Trial, "run" | "exact"> | null = null;
  let check: TrialCheck | null = null;
  for (const variant of comparedVariants(question, effort)) {
    if (isTimeUp()) return null;
    try {
      if (call === null) {
        const { inputs, ...made } = trial(images);
        call = { ...made, values: inputs.map((input, at) => fill(held.use(input), at + 1)) };
      }
      const { values, run, exact } = call;
      const build = () => run(variant);
      const label = `try ${variant}`;
      const program: Program<Tensor> = held.use(await Program.record(gpu, { label, build }));
      program.run();
      check ??= held.use(new TrialCheck(program.outputs, { inputs: values, tolerance, exact }));
      const fault = await check.faultOf(program.outputs);
      if (fault === null) candidates.push({ variant, program });
      else onNote(`${key}: left out ${variant}, ${fault}`);
    } catch (error) {
      const reason = await reasonOf(gpu, error);
      if (error instanceof OutOfMemoryError) {
        onNote(`${key}: the fixed table chooses: ${reason}`);
        return null;
      }
      onNote(`${key}: left out ${variant}: ${reason}`);
    }
    if (candidates.length === 0) return null;
  }
  return candidates;
}

/** Says what the GPU refused, and throws what is not a refusal: a bug, or a lost GPU. */
async function reasonOf(gpu: Gpu, error: unknown): Promise<string> {
  // A loss becomes known in a later turn of the event loop.
  await new Promise((resolve) => setTimeout(resolve));
  // What was reported beside the error must not be blamed on the next variant.
  const reported: unknown = await gpu.settled().then(() => null, (failure: unknown) => failure);
  const isRefusal = error instanceof GpuError || error instanceof OutOfRoomError ||
    error instanceof DOMException;
  if (gpu.isLost || !isRefusal) throw reported ?? error;
  return error.message;
}

/**
 * Finds the fastest variant of a call that computes what the plain one does. Of those that are as fast as can be told
 * apart, the first in the question's list wins.
 *
 * @param question The call.
 * @returns The variant; `null` where it was not found out: the plain one cannot be run, memory ran out, or time was up.
 * @throws {GpuError} If the GPU is lost.
 */
export async function fastestVariant(
  gpu: Gpu,
  question: Question,
  { time = timeOnGpu, ...options }: TrialOptions,
): Promise<string | null> {
  using held = new DisposableStack();
  const right = await rightCandidates(gpu, question, { ...options, held });
  if (right === null) return null;
  let candidates = right;
  const measure = async (timing: { samples: number; seconds: number }) => {
    const times = await time(gpu, candidates.map(({ program }) => program), timing);
    const medians = times.map((seconds) => summarise(seconds).median);
    const within = (factor: number) =>
      candidates.filter((_, at) => (medians[at] ?? NaN) <= factor * Math.min(...medians));
    return { within };
  };
  if (options.effort === "quick" && candidates.length > 1) {
    candidates = (await measure(GLANCE)).within(MOST_TIMES_THE_FASTEST);
  }
  if (candidates.length > 1) {
    candidates = (await measure(MEASUREMENTS[options.effort])).within(1 + MARGIN);
  }
  return candidates[0]?.variant ?? null;
}
