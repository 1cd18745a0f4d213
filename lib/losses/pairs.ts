import type { Tensor } from "../gpu/tensor.ts";
import type { Activations } from "../models/activations.ts";
import type { LossInputs } from "./loss_term.ts";

/** One group's activations in both networks. */
export interface PairOfTaps {
  /** The group, from 0. */
  readonly tap: number;
  /** The student's, `[batch, height, width, channels]`. */
  readonly student: Tensor;
  /** The teacher's. */
  readonly teacher: Tensor;
}

/**
 * The teacher that a loss compares with.
 *
 * @param loss The loss's name, for the error.
 * @throws {RangeError} If there is none.
 */
export function teacherOf({ teacher }: LossInputs, loss: string): Activations {
  if (teacher !== null) return teacher;
  throw new RangeError(`Cannot compute the loss ${loss}: wanted a teacher, found none`);
}

/**
 * The activations that a loss compares, group by group.
 *
 * @param options.taps The groups, from 0; `undefined` for all of the student's.
 * @param options.loss The loss's name, for errors.
 * @throws {RangeError} If there is no teacher, or one of the networks does not have such a group.
 */
export function pairsOfTaps(
  inputs: LossInputs,
  { taps, loss }: { taps: readonly number[] | undefined; loss: string },
): PairOfTaps[] {
  const { student } = inputs;
  const teacher = teacherOf(inputs, loss);
  const tapOf = ({ taps }: Activations, tap: number, who: string) => {
    const found = taps[tap];
    if (found !== undefined) return found;
    throw new RangeError(
      `Cannot compute the loss ${loss}: wanted group ${tap} of the ${who}, found groups 0 to ${
        taps.length - 1
      }`,
    );
  };
  return (taps ?? student.taps.map((_, tap) => tap)).map((tap) => ({
    tap,
    student: tapOf(student, tap, "student"),
    teacher: tapOf(teacher, tap, "teacher"),
  }));
}
