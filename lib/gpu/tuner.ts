import type { Gpu } from "./device.ts";
import { fastestVariant, type TrialOptions } from "./trial.ts";
import type { Asked, Question } from "./tuning.ts";

/** How far a tuning is. */
export interface TuningState {
  /** The questions answered. */
  readonly done: number;
  /** The questions in all. */
  readonly total: number;
  /** The time that it took so far, in seconds. */
  readonly seconds: number;
}

/** How many questions are tuned. */
export interface TunerOptions extends Omit<TrialOptions, "isTimeUp"> {
  /** The time in seconds after which the fixed table answers what is left. Default: unbounded. */
  readonly budget?: number;
  /** Ends the tuning after the question under way. */
  readonly signal?: AbortSignal | undefined;
  /** Told before each question, and once at the end. */
  readonly onProgress?: ((state: TuningState) => void) | undefined;
  /** The clock, in milliseconds. Default: `performance.now`. */
  readonly now?: () => number;
}

/** The answer to a question. */
export interface Answer {
  /** The question. */
  readonly question: Question;
  /** The variant. */
  readonly variant: string;
  /** Whether it was found out; otherwise it is the fixed table's choice. */
  readonly isMeasured: boolean;
}

/**
 * Answers questions by trying the variants out, those first on which most work depends.
 *
 * @param asked The questions.
 * @returns An answer a question, but for those that an abort came before.
 * @throws {GpuError} If the GPU is lost.
 */
export async function tune(
  gpu: Gpu,
  asked: readonly Asked[],
  {
    budget = Infinity,
    signal,
    onProgress,
    now = () => performance.now(),
    ...options
  }: TunerOptions,
): Promise<Answer[]> {
  const work = ({ question, times }: Asked) => question.flop * times;
  const began = now();
  const seconds = () => (now() - began) / 1000;
  const isTimeUp = () => seconds() > budget;
  const answers: Answer[] = [];
  let [longest, missed] = [0, 0];
  for (const { question } of asked.toSorted((a, b) => work(b) - work(a))) {
    if (signal?.aborted) return answers;
    const start = seconds();
    onProgress?.({ done: answers.length, total: asked.length, seconds: start });
    const isTried = start + longest <= budget;
    const found = isTried ? await fastestVariant(gpu, question, { ...options, isTimeUp }) : null;
    if (found === null && (!isTried || isTimeUp())) missed++;
    const isMeasured = found !== null;
    answers.push({ question, variant: found ?? question.fallback, isMeasured });
    longest = Math.max(longest, seconds() - start);
  }
  if (missed > 0) {
    options.onNote?.(
      `the fixed table chooses ${missed} of ${asked.length} kernels: ` +
        `tuning them would take longer than ${budget} s`,
    );
  }
  onProgress?.({ done: answers.length, total: asked.length, seconds: seconds() });
  return answers;
}
