import type { Tensor } from "../gpu/tensor.ts";
import { flip } from "../ops/flip.ts";
import { scale } from "../ops/scale.ts";
import { type Distance, distance, magnitude } from "./distance.ts";
import { imageGradient } from "./image_gradient.ts";
import type { LossInputs, LossTerm, Weight } from "./loss_term.ts";
import { teacherOf } from "./pairs.ts";

/** Options of the losses of gradients. */
export interface GradientTermOptions {
  /** The weight, the paper's beta: the losses have its factor 1/2 in them. */
  readonly weight: Weight;
  /** How `||.||_2` of a batch is read. Default: the norm of the whole batch. */
  readonly distance?: Distance;
}

/** `1/2 ||a - b||_2`, as equations 5 and 6 weigh it. */
function halfDistance(a: Tensor, b: Tensor, kind: Distance): Tensor {
  return scale(distance(a, b, { kind }), 0.5);
}

/** The student's J, to be differentiated. */
function studentGradient({ student, images, labels }: LossInputs): Tensor {
  return imageGradient(student, { images, labels, differentiable: true });
}

/**
 * Gradient-based attention transfer, `1/2 ||J_S - J_T||_2` with J an {@link imageGradient}
 * ({@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 5). The teacher's is a constant.
 */
export function gradientTerm({ weight, distance: kind = "batch" }: GradientTermOptions): LossTerm {
  const name = "gradient";
  return {
    name,
    weight,
    takesGradients: true,
    loss(inputs) {
      const { images, labels } = inputs;
      const teacher = teacherOf(inputs, name);
      const taught = imageGradient(teacher, { images, labels, differentiable: false });
      return halfDistance(studentGradient(inputs), taught, kind);
    },
  };
}

/**
 * Small gradients of the images, `1/2 ||J||_2`, which need no teacher: the min-l2 of the paper's Table 3. With the
 * distance `square` it is the double backpropagation of
 * {@link https://doi.org/10.1109/72.165600 | Drucker & LeCun 1992}.
 */
export function smallGradientTerm(
  { weight, distance: kind = "batch" }: GradientTermOptions,
): LossTerm {
  return {
    name: "small_gradient",
    weight,
    takesGradients: true,
    loss: (inputs) => scale(magnitude(studentGradient(inputs), { kind }), 0.5),
  };
}

/**
 * The symmetry norm, `1/2 ||J(x) - flip(J(flip(x)))||_2`
 * ({@link https://arxiv.org/abs/1612.03928 | Zagoruyko & Komodakis 2017}, equation 6), and the same of the logits of
 * the two, as the paper adds: what a network makes of an image and of its mirror image should be the same. It needs no
 * teacher.
 */
export function symmetryTerm({ weight, distance: kind = "batch" }: GradientTermOptions): LossTerm {
  return {
    name: "symmetry",
    weight,
    takesGradients: true,
    loss(inputs) {
      const { images, labels, student, apply } = inputs;
      const mirrored = apply(flip(images));
      // With respect to the images themselves, the mirror image's gradient comes out mirrored back.
      const back = imageGradient(mirrored, { images, labels, differentiable: true });
      return [
        halfDistance(studentGradient(inputs), back, kind),
        halfDistance(student.logits, mirrored.logits, kind),
      ];
    },
  };
}
