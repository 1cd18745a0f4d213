import type { Tensor } from "../../lib/gpu/tensor.ts";
import type { LossInputs, LossTerm } from "../../lib/losses/loss_term.ts";
import { Objective } from "../../lib/losses/objective.ts";

/** The sum of an objective's terms, and each by its name, of activations alone. */
export function lossesOf(
  terms: readonly LossTerm[],
  { student, teacher, labels }: Pick<LossInputs, "student" | "teacher" | "labels">,
): { total: Tensor; of: (name: string) => readonly Tensor[] } {
  using objective = new Objective(student.logits.gpu, terms);
  const apply = () => {
    throw new Error("The network must not be applied again");
  };
  const found = objective.compute({ images: student.logits, labels, student, teacher, apply });
  return { total: found.total, of: (name) => found.terms.get(name) ?? [] };
}
