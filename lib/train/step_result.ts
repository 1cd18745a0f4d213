/** What the loss scale made of a step. */
export interface Scaling {
  /** The factor on the loss. */
  readonly scale: number;
  /** Whether a gradient overflowed, so that the step was skipped. */
  readonly isSkipped: boolean;
}

/** What one step came to. */
export interface StepResult {
  /** The loss before the update. */
  readonly loss: number;
  /** Images whose label had the largest logit. */
  readonly right: number;
  /** Images whose label was among the five largest logits, where they are counted. */
  readonly topFive?: number;
  /** Each term of the objective, unweighted, by its name: one number, or one a group. */
  readonly losses: Readonly<Record<string, readonly number[]>>;
  /** The loss scale, where the step is in half precision. */
  readonly scaling?: Scaling;
  /**
   * Where the step had a number that is not finite and so changed nothing: the first tensor with one, `loss` or the name
   * of a running statistic or of a gradient's parameter. What the loss scale skips is no such step.
   */
  readonly fault?: string;
}

/** Whether a step had a number that is not finite, which is not the loss scale's doing. */
export function hasFault<Step extends StepResult>(step: Step): step is Step & { fault: string } {
  return step.fault !== undefined;
}

/** Whether a step changed nothing, for a number that was not finite. */
export function isSkipped(step: StepResult): boolean {
  return hasFault(step) || step.scaling?.isSkipped === true;
}

/** The steps without a fault: what the others came to says nothing of the training. */
export function soundSteps<Step extends StepResult>(steps: readonly Step[]): readonly Step[] {
  return steps.filter((step) => !hasFault(step));
}

/** How the rows that a step's batches leave in the history are to be read. */
export interface StepColumns {
  /** The images of each batch. */
  readonly sizes: readonly number[];
  /** Whether a row has the images whose label is among the five largest logits. */
  readonly topFive: boolean;
  /** The objective's terms and the number of scalars of each. */
  readonly terms: readonly (readonly [name: string, scalars: number])[];
  /** Whether the step is in half precision. */
  readonly isScaled: boolean;
  /** The row of how the step ended, where it has one of its own and does not follow the batch's scalars. */
  readonly end: readonly number[] | undefined;
  /** The name of what has a place, counted from 0. */
  readonly nameAt: (place: number) => string;
}

/**
 * Reads what a step came to: the means of its batches, weighed by their images, and the sums of what is counted.
 *
 * @param rows A row a batch: the loss, the counts and the terms' scalars; then how the step ended: the first place with a
 * number that is not finite, counted from 1, 0 for none, and in half precision the scale, below zero where the step was
 * skipped.
 * @param columns How they are to be read.
 */
export function stepResult(
  rows: readonly (readonly number[])[],
  { sizes, topFive, terms, isScaled, end, nameAt }: StepColumns,
): StepResult {
  const images = sizes.reduce((sum, size) => sum + size, 0);
  const sum = (column: number) => rows.reduce((sum, row) => sum + (row[column] ?? NaN), 0);
  const mean = (column: number) =>
    rows.length === 1 ? rows[0]?.[column] ?? NaN : rows.reduce(
      (sum, row, part) => sum + (row[column] ?? NaN) * (sizes[part] ?? NaN) / images,
      0,
    );
  let column = topFive ? 3 : 2;
  const losses = Object.fromEntries(
    terms.map(([name, scalars]) => [name, Array.from({ length: scalars }, () => mean(column++))]),
  );
  const [fault = NaN, scale = NaN] = end ?? rows[0]?.slice(column) ?? [];
  return {
    loss: mean(0),
    right: sum(1),
    ...(topFive ? { topFive: sum(2) } : {}),
    losses,
    ...(isScaled ? { scaling: { scale: Math.abs(scale), isSkipped: scale < 0 } } : {}),
    ...(fault > 0 ? { fault: nameAt(fault - 1) } : {}),
  };
}
