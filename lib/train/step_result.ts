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
  /**
   * The scale, below zero where the step was skipped, where it has a row of its own and is not the batch's last scalar.
   */
  readonly outcome: number | undefined;
}

/**
 * Reads what a step came to: the means of its batches, weighed by their images, and the sums of what is counted.
 *
 * @param rows A row a batch: the loss, the counts, the terms' scalars and in half precision the scale.
 * @param columns How they are to be read.
 */
export function stepResult(
  rows: readonly (readonly number[])[],
  { sizes, topFive, terms, isScaled, outcome }: StepColumns,
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
  const scale = outcome ?? rows[0]?.[column] ?? NaN;
  return {
    loss: mean(0),
    right: sum(1),
    ...(topFive ? { topFive: sum(2) } : {}),
    losses,
    ...(isScaled ? { scaling: { scale: Math.abs(scale), isSkipped: scale < 0 } } : {}),
  };
}
