import type { Kernel } from "./kernel.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Which variant calls run: by their key, or by their family for every batch size. This is what a run keeps in its
 * `config.json`.
 */
export type Variants = Readonly<Record<string, string>>;

/** A call made up to compare an op's variants on. */
export interface Trial {
  /** What the op reads: tensors that own their bytes. The tuner fills them with random numbers and frees them. */
  readonly inputs: readonly Tensor[];
  /** Dispatches a variant on those inputs and returns what it computes. */
  readonly run: (variant: string) => Tensor;
  /**
   * Exact values of the result at some places, from the inputs' dense values: then a variant's rounding error may be
   * at most four times the plain one's.
   */
  readonly exact?: (
    inputs: readonly Float32Array[],
    places: readonly number[],
  ) => readonly number[];
}

/** What an op asks where more than one of its kernels can do a call. */
export interface Question {
  /**
   * Op, geometry and type of the call, with `*` in place of the batch size:
   * `conv2d.forward 3x3 s1 p1 [*, 32, 32, 16] -> 16 f32`.
   */
  readonly family: string;
  /** The batch size. */
  readonly batch: number;
  /** The variants that this device and geometry allow: the plain one, by which the others are judged, first. */
  readonly variants: readonly string[];
  /** Those that a quick tuning compares, the plain one first. Default: all. */
  readonly quick?: readonly string[];
  /** The fixed table's choice, one of them: a pure function of geometry and kind of adapter. */
  readonly fallback: string;
  /** Every kernel that a variant uses: an edited one is tuned anew. */
  readonly kernels: readonly Kernel[];
  /** The floating-point operations of the call, by which the tuner decides what to tune first. */
  readonly flop: number;
  /** The bytes of what a call of one image reads and writes, weights left out. */
  readonly imageBytes: number;
  /** The largest error that a variant may have, as a part of the largest value. Default: 1e-4. */
  readonly tolerance?: number;
  /** Makes up a call of as many images. */
  readonly trial: (batch: number) => Trial;
}

/** A question, and how often it was asked. */
export interface Asked {
  /** The question, as it was asked first. */
  readonly question: Question;
  /** How often. */
  readonly times: number;
}

/** Names the call that a question is about: its family with the batch size in place of the `*`. */
export function questionKey({ family, batch }: Question): string {
  return family.replace("*", String(batch));
}

/** Finds what variants say of a question, `null` where that is nothing, or nothing that can be done here. */
export function lookUpVariant(variants: Variants, question: Question): string | null {
  for (const name of [questionKey(question), question.family]) {
    const found = variants[name];
    if (found !== undefined && question.variants.includes(found)) return found;
  }
  return null;
}

/**
 * Answers which variant of its kernels an op runs: as the variants of a run say, or else those adopted for this GPU,
 * or else the op's fixed table.
 */
export class Tuning {
  #adopted: Variants = {};
  #scope: Variants | null = null;
  #asked: Map<string, { question: Question; times: number }> | null = null;

  /** Answers an op. */
  choose(question: Question): string {
    if (this.#asked !== null && question.variants.length > 1) {
      const key = questionKey(question);
      const found = this.#asked.get(key);
      if (found === undefined) this.#asked.set(key, { question, times: 1 });
      else found.times++;
    }
    return lookUpVariant(this.#scope ?? this.#adopted, question) ?? question.fallback;
  }

  /** Makes variants those of every call from now on, but for calls inside {@link Tuning.with}. */
  adopt(variants: Variants): void {
    this.#adopted = { ...variants };
  }

  /** Runs something whose calls take these variants, and the fixed table's choice where these say nothing. */
  with<T>(variants: Variants, run: () => T): T {
    const before = this.#scope;
    this.#scope = variants;
    try {
      return run();
    } finally {
      this.#scope = before;
    }
  }

  /**
   * Runs something and returns what its ops asked where there was a choice, each question once, in the order of asking.
   */
  listen(run: () => void): Asked[] {
    const before = this.#asked;
    const asked = new Map<string, { question: Question; times: number }>();
    this.#asked = asked;
    try {
      run();
      return [...asked.values()];
    } finally {
      this.#asked = before;
    }
  }
}
