import type { Gpu } from "../gpu/device.ts";
import type { Effort } from "../gpu/trial.ts";
import { tune, type TunerOptions } from "../gpu/tuner.ts";
import {
  type Asked,
  lookUpVariant,
  type Question,
  questionKey,
  type Variants,
} from "../gpu/tuning.ts";
import { TuningCache } from "./tuning_cache.ts";

/** What may be asked of the tuner: nothing, a short comparison, or a long one. */
export const AUTOTUNE = ["off", "quick", "full"] as const;

/** How kernels are chosen: by the fixed table, or by trying them out for a short or a long time. */
export type Autotune = typeof AUTOTUNE[number];

/** How the kernels of a training are chosen. */
export interface AutotuneOptions {
  /** How. Default: `off`, since what is tuned by time need not round alike the next time. */
  readonly autotune?: Autotune | undefined;
  /** The folder where the tuner keeps what it finds out, `null` for none. Default: that of the platform. */
  readonly cacheFolder?: string | null | undefined;
  /** The choices of an earlier run, which are kept where this GPU allows; then nothing is tuned. */
  readonly variants?: Variants | undefined;
  /** Told what a person may want to know: what was left out, and what cannot be kept. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** What kernels are chosen for, and how. */
export interface ChoiceOptions
  extends AutotuneOptions, Omit<TunerOptions, "effort" | "batch" | "budget" | "onNote"> {
  /**
   * Functions that record what is going to run; nothing runs. The first of those that differ only in the batch size is
   * tuned for, and the others take its choice.
   */
  readonly rehearsals: readonly (() => void)[];
}

/** Seconds after which a quick tuning leaves the rest to the fixed table: with what is under way then, a minute. */
const BUDGET = 50;
/** Images of a made-up call of a quick tuning on a software adapter, where time is linear in them. */
const FEW_IMAGES = 16;

/**
 * Chooses the kernels of what is going to run.
 *
 * @returns The choices, for {@link Tuning.with} or {@link Tuning.adopt}; `null` if the signal came before all were
 * tuned.
 * @example
 * ```ts
 * import { chooseVariants, conv2d, Gpu } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = gpu.zeros([2, 8, 8, 4]);
 * const w = gpu.zeros([3, 3, 4, 8], { layout: "weights" });
 * const rehearsals = [() => void conv2d(x, w, { padding: 1 })];
 * const variants = await chooseVariants(gpu, { rehearsals, autotune: "off" });
 * const y = gpu.tuning.with(variants ?? {}, () => conv2d(x, w, { padding: 1 }));
 * assert.deepEqual(y.shape, [2, 8, 8, 8]);
 * ```
 */
export async function chooseVariants(
  gpu: Gpu,
  {
    rehearsals,
    autotune = "off",
    variants: earlier,
    cacheFolder,
    ...options
  }: ChoiceOptions,
): Promise<Variants | null> {
  const asked = gpu.tuning.listen(() => {
    for (const rehearse of rehearsals) gpu.record(rehearse);
  });
  const questions = asked.map(({ question }) => question);
  if (earlier !== undefined) {
    return keep(earlier, { questions, onNote: options.onNote });
  }
  if (autotune === "off") return merge(questions, ({ fallback }) => fallback);
  const found = await search(gpu, firstOfFamily(asked), {
    ...options,
    effort: autotune,
    cacheFolder,
  });
  return found === null
    ? null
    : merge(questions, (question) => lookUpVariant(found, question) ?? question.fallback);
}

/** The choices of an earlier run, or the fixed table's with a note why. */
function keep(
  earlier: Variants,
  { questions, onNote }: { questions: readonly Question[]; onNote: TunerOptions["onNote"] },
): Variants {
  const notes = new Set<string>();
  const kept = merge(questions, (question) => {
    const found = lookUpVariant(earlier, question);
    const wanted = earlier[questionKey(question)] ?? earlier[question.family];
    if (found === null && wanted !== undefined) {
      notes.add(
        `${question.family}: the run used ${wanted}, which cannot run here; ` +
          `from now on it uses ${question.fallback}, which may round differently`,
      );
    }
    return found ?? question.fallback;
  });
  for (const note of notes) onNote?.(note);
  return kept;
}

/** The questions that differ in more than the batch size, as the first was asked. */
function firstOfFamily(asked: readonly Asked[]): Asked[] {
  const families = new Map<string, Asked>();
  for (const one of asked) {
    if (!families.has(one.question.family)) families.set(one.question.family, one);
  }
  return [...families.values()];
}

/** Answers questions from the cache and by tuning, by their families; `null` if the signal came first. */
async function search(
  gpu: Gpu,
  asked: readonly Asked[],
  { effort, cacheFolder, ...options }: Omit<TunerOptions, "batch" | "budget"> & {
    effort: Effort;
    cacheFolder: string | null | undefined;
  },
): Promise<Variants | null> {
  const { adapter } = gpu;
  const { onNote, signal } = options;
  const cache = await TuningCache.open({ adapter, folder: cacheFolder, onNote });
  const unknown = asked.filter(({ question }) => cache.find(question, effort) === null);
  if (unknown.length > 0) {
    const few = adapter.isSoftware ? { batch: FEW_IMAGES } : {};
    const bounds = effort === "quick" ? { budget: BUDGET, ...few } : {};
    cache.add(await tune(gpu, unknown, { ...options, ...bounds, effort }), effort);
    await cache.save().catch(({ message }: Error) => onNote?.(message));
    if (signal?.aborted) return null;
  }
  return Object.fromEntries(
    asked.map(({ question }) => [
      question.family,
      cache.find(question, effort) ?? question.fallback,
    ]),
  );
}

/** Answers all questions: a line a family, and one for each batch size that departs from it. */
function merge(
  questions: readonly Question[],
  choose: (question: Question) => string,
): Variants {
  const variants: Record<string, string> = {};
  for (const question of questions) {
    const variant = choose(question);
    const name = question.family in variants ? questionKey(question) : question.family;
    if (variants[question.family] !== variant) variants[name] = variant;
  }
  return variants;
}
