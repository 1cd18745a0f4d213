import type { Gpu } from "./device.ts";
import { GpuError, OutOfRoomError } from "./errors.ts";
import { Program } from "./program.ts";
import { summarise } from "./summary.ts";
import type { Tensor } from "./tensor.ts";
import { timeOnGpu } from "./timer.ts";
import { type Question, questionKey } from "./tuning.ts";

/** How thoroughly variants are compared: `full` measures all of them, and longer. */
export type Effort = "quick" | "full";

/** How the variants of one call are compared. */
export interface TrialOptions {
  /** How thoroughly. */
  readonly effort: Effort;
  /** Images of the made-up call; those of the question unless told. */
  readonly batch?: number;
  /** Told why a variant was left out. */
  readonly onNote?: ((note: string) => void) | undefined;
  /** What takes the times; {@link timeOnGpu} unless told. */
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

function fill(tensor: Tensor, seed: number): void {
  const block = randomBlock(seed);
  const values = new Float32Array(tensor.size);
  for (let at = 0; at < values.length; at += RANDOM_BLOCK) {
    values.set(block.subarray(0, values.length - at), at);
  }
  tensor.write(values);
}

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

function errorOf(found: Float32Array, wanted: Float32Array): number {
  return largest(found.map((value, at) => value - (wanted[at] ?? NaN))) / largest(wanted);
}

/** Prepares the variants that run and compute what the plain one does; none where that one fails. */
async function rightCandidates(
  gpu: Gpu,
  question: Question,
  { held, batch, onNote = () => {} }: Pick<TrialOptions, "onNote"> & {
    held: DisposableStack;
    batch: number;
  },
): Promise<Candidate[]> {
  const { tolerance = TOLERANCE, variants, trial } = question;
  const candidates: Candidate[] = [];
  let wanted: Float32Array | null = null;
  let run: ((variant: string) => Tensor) | null = null;
  for (const variant of variants) {
    try {
      if (run === null) {
        const call = trial(batch);
        call.inputs.forEach((input, at) => fill(held.use(input), at + 1));
        run = call.run;
      }
      const dispatch = run;
      const build = () => dispatch(variant);
      const label = `try ${variant}`;
      const program: Program<Tensor> = held.use(await Program.record(gpu, { label, build }));
      program.run();
      const found = await program.outputs.read();
      const error = errorOf(found, wanted ??= found);
      if (error <= tolerance) candidates.push({ variant, program });
      else onNote(`${questionKey(question)}: left out ${variant}, ${wordError(error, tolerance)}`);
    } catch (error) {
      onNote(`${questionKey(question)}: left out ${variant}: ${await reasonOf(gpu, error)}`);
    }
    if (wanted === null) break;
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

function wordError(error: number, tolerance: number): string {
  return `wrong by ${error.toPrecision(2)} of the largest value (at most ${tolerance})`;
}

/**
 * Finds the fastest variant of a call that computes what the plain one does. Of those that are as fast as can be told
 * apart, the first in the question's list wins.
 *
 * @param question The call.
 * @returns The variant; the fixed table's choice where the plain one cannot be run.
 * @throws {GpuError} If the GPU is lost.
 */
export async function fastestVariant(
  gpu: Gpu,
  question: Question,
  { effort, batch = question.batch, onNote, time = timeOnGpu }: TrialOptions,
): Promise<string> {
  using held = new DisposableStack();
  let candidates = await rightCandidates(gpu, question, { held, batch, onNote });
  const measure = async (options: { samples: number; seconds: number }) => {
    const times = await time(gpu, candidates.map(({ program }) => program), options);
    const medians = times.map((seconds) => summarise(seconds).median);
    const within = (factor: number) =>
      candidates.filter((_, at) => (medians[at] ?? NaN) <= factor * Math.min(...medians));
    return { within };
  };
  if (effort === "quick" && candidates.length > 1) {
    candidates = (await measure(GLANCE)).within(MOST_TIMES_THE_FASTEST);
  }
  if (candidates.length > 1) {
    candidates = (await measure(MEASUREMENTS[effort])).within(1 + MARGIN);
  }
  return candidates[0]?.variant ?? question.fallback;
}
