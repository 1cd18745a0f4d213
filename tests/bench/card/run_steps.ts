import { messageOf } from "../../../lib/weights/message_of.ts";
import { digits } from "../table.ts";

/** One figure of a step. */
export interface Figure {
  /** What it is of. */
  readonly what: string;
  /** The figure, with its unit. */
  readonly value: string;
  /** The command that gives it. */
  readonly command: string;
  /** Whether it is as it must be. Default: true. */
  readonly isRight?: boolean;
}

/** Something to find out on a card. */
export interface CardStep {
  /** What it is called. */
  readonly name: string;
  /** Seconds after which it is ended. */
  readonly limit: number;
  /** Finds it out. Once the signal is aborted, it ends and gives what it has until then. */
  readonly run: (signal: AbortSignal) => Promise<readonly Figure[]>;
}

/** What became of a step. */
export interface Outcome {
  /** What the step is called. */
  readonly name: string;
  /** What it found. */
  readonly figures: readonly Figure[];
  /** Why nothing, or not everything, was found; `null` for no reason. */
  readonly fault: string | null;
  /** Whether nothing is wrong: every figure is right, or there was no time to begin. */
  readonly isRight: boolean;
  /** Seconds that it took. */
  readonly seconds: number;
}

/** A step begins where this part of its limit is left. */
const LEAST_PART = 0.5;

/**
 * Runs steps one after the other, each until its limit or until the time is up. None stops the ones after it.
 *
 * @param steps The steps, in the order of worth.
 * @param options.seconds The time for all of them.
 * @param options.stop Ends the step under way, and leaves out the rest.
 * @param options.grace Seconds after which a step that was told to end is given up. Default: 5.
 * @param options.onOutcome Told of each step as soon as it has ended.
 * @returns An outcome a step.
 */
export async function runSteps(
  steps: readonly CardStep[],
  { seconds, stop, grace = 5, onOutcome }: {
    seconds: number;
    stop: AbortSignal;
    grace?: number;
    onOutcome: (outcome: Outcome) => void;
  },
): Promise<Outcome[]> {
  const end = performance.now() + 1e3 * seconds;
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    const left = (end - performance.now()) / 1e3;
    const outcome = stop.aborted
      ? leftOut(step, "stopped")
      : left < LEAST_PART * step.limit
      ? leftOut(step, `${Math.max(0, left).toFixed(0)} s are left, it may take ${step.limit}`)
      : await runStep(step, { seconds: Math.min(step.limit, left), stop, grace });
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return outcomes;
}

function leftOut({ name }: CardStep, why: string): Outcome {
  return { name, figures: [], fault: `left out: ${why}`, isRight: true, seconds: 0 };
}

async function runStep(
  { name, run }: CardStep,
  { seconds, stop, grace }: { seconds: number; stop: AbortSignal; grace: number },
): Promise<Outcome> {
  const limit = new AbortController();
  const late = Promise.withResolvers<readonly Figure[]>();
  const timers = [
    setTimeout(() => limit.abort(), 1e3 * seconds),
    // A process that waits for a driver may never end.
    setTimeout(() => late.resolve([]), 1e3 * (seconds + grace)),
  ];
  const started = performance.now();
  const took = () => (performance.now() - started) / 1e3;
  try {
    const figures = await Promise.race([run(AbortSignal.any([limit.signal, stop])), late.promise]);
    const fault = stop.aborted
      ? "stopped"
      : limit.signal.aborted
      ? `cut off after ${digits(seconds)} s`
      : null;
    const isRight = fault === null && figures.every(({ isRight = true }) => isRight);
    return { name, figures, fault, isRight, seconds: took() };
  } catch (error) {
    return { name, figures: [], fault: messageOf(error), isRight: false, seconds: took() };
  } finally {
    timers.forEach(clearTimeout);
  }
}
