import type { Gpu } from "../gpu/device.ts";
import { Tensor } from "../gpu/tensor.ts";
import { multiply } from "../ops/multiply.ts";
import { MOST_TERMS, type Term, weightedSum } from "../ops/weighted_sum.ts";
import { ParameterSet } from "../weights/parameter_set.ts";
import type { LossInputs, LossTerm } from "./loss_term.ts";

/** What an {@link Objective} comes to; all are scalars. */
export interface Losses {
  /** What is minimised. */
  readonly total: Tensor;
  /** Each term's scalars, unweighted, by its name. */
  readonly terms: ReadonlyMap<string, readonly Tensor[]>;
}

/** A training objective on a GPU: the sum of terms times their weights, `sum_i w_i(epoch) L_i`. */
export class Objective implements Disposable {
  /** The parameters of the terms, named `<term>.<name>`; `null` where none has any. */
  readonly parameters: ParameterSet | null;
  /** The weights that are functions of the epoch, so that a step need not be recorded again when they change. */
  readonly #weights: ReadonlyMap<LossTerm, Tensor>;

  /**
   * Makes room for the terms' parameters and for the weights that change; these are those of the first epoch.
   *
   * @param gpu The device.
   * @param terms The terms.
   * @throws {RangeError} If there is no term to learn from, or two have the same name.
   */
  constructor(
    gpu: Gpu,
    /** The terms. */
    readonly terms: readonly LossTerm[],
  ) {
    wantTerms(terms);
    const specs = terms.flatMap(({ name, specs = [] }) =>
      specs.map((spec) => ({ ...spec, name: `${name}.${spec.name}` }))
    );
    this.parameters = specs.length === 0 ? null : new ParameterSet(gpu, specs);
    this.#weights = new Map(
      terms.filter(({ weight }) => typeof weight === "function").map((term) => [
        term,
        gpu.tensor([0], [], { label: `weight of ${term.name}` }),
      ]),
    );
    this.beginEpoch(1);
  }

  /** Sets the weights that are functions of the epoch. */
  beginEpoch(epoch: number): void {
    for (const [{ weight }, tensor] of this.#weights) {
      if (typeof weight === "function") tensor.write(Float32Array.of(weight(epoch)));
    }
  }

  /**
   * Computes the terms and their sum.
   *
   * @param inputs The batch, and what the networks make of it.
   * @param options.evaluates Whether terms that take gradients are left out. Default: false.
   * @throws {RangeError} If nothing is left to add up.
   */
  compute(
    inputs: Omit<LossInputs, "parameter">,
    { evaluates = false }: { evaluates?: boolean } = {},
  ): Losses {
    const terms = this.terms.filter(({ takesGradients = false }) => !(evaluates && takesGradients));
    const found = terms.map((term): [LossTerm, readonly Tensor[]] => {
      const values = term.loss({ ...inputs, parameter: (name) => this.#parameter(term, name) });
      return [term, values instanceof Tensor ? [values] : values];
    });
    const weighted = found.flatMap(([term, values]) => this.#weighted(term, values));
    return {
      total: total(weighted),
      terms: new Map(found.map(([{ name }, values]) => [name, values])),
    };
  }

  #parameter({ name: term }: LossTerm, name: string): Tensor {
    if (this.parameters !== null) return this.parameters.get(`${term}.${name}`);
    throw new RangeError(`Cannot find parameter ${name} of the loss ${term}: it declares none`);
  }

  #weighted(term: LossTerm, values: readonly Tensor[]): Term[] {
    const { weight } = term;
    if (weight === 0 || values.length === 0) return [];
    if (typeof weight === "number") return values.map((value) => ({ value, weight }));
    const sum = total(values.map((value) => ({ value, weight: 1 })));
    const scheduled = this.#weights.get(term);
    return scheduled === undefined ? [] : [{ value: multiply(sum, scheduled), weight: 1 }];
  }

  /** Frees the parameters and the weights. */
  [Symbol.dispose](): void {
    this.parameters?.[Symbol.dispose]();
    for (const tensor of this.#weights.values()) tensor[Symbol.dispose]();
  }
}

/** Adds up scalars; a single one of weight 1 as it is. */
function total(terms: readonly Term[]): Tensor {
  const [first] = terms;
  if (first === undefined) {
    throw new RangeError("Cannot add up the objective: wanted a loss to learn from, found none");
  }
  if (terms.length === 1 && first.weight === 1) return first.value;
  if (terms.length <= MOST_TERMS) return weightedSum(terms);
  const head = { value: weightedSum(terms.slice(0, MOST_TERMS)), weight: 1 };
  return total([head, ...terms.slice(MOST_TERMS)]);
}

function wantTerms(terms: readonly LossTerm[]): void {
  const names = terms.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) {
    throw new RangeError(
      `Cannot make an objective: each term must have a name of its own, found ${twice} twice`,
    );
  }
  if (!terms.some(({ weight }) => weight !== 0)) {
    throw new RangeError(
      `Cannot make an objective: wanted a term with a weight other than 0, found ${
        names.length === 0 ? "no term" : names.join(", ")
      }`,
    );
  }
}
