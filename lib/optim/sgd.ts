import source from "../../kernels/sgd.wgsl" with { type: "text" };
import { gather } from "../gpu/arena.ts";
import { gridFor, Kernel } from "../gpu/kernel.ts";
import type { StepValue } from "../gpu/step_values.ts";
import { Tensor } from "../gpu/tensor.ts";
import { copyInto } from "../ops/copy.ts";
import { storedQuads, wantShape } from "../ops/shapes.ts";
import type { Inspection } from "./inspection.ts";
import type { LossScale } from "./loss_scale.ts";

const kernel = new Kernel("sgd", source);

/** Tensors that share one buffer, as a parameter set's do. */
export interface FlatTensors {
  /** The tensors. */
  readonly trainable: readonly Tensor[];
  /** The buffer as one flat tensor. */
  readonly flat: Tensor;
}

/** The settings of a step of {@link sgd}. */
export interface SgdOptions {
  /** The momentum buffer, zeros at the start, laid out as the parameters. */
  readonly velocity: FlatTensors;
  /** The learning rate, a float. */
  readonly learningRate: StepValue;
  /** The momentum's factor. */
  readonly momentum: number;
  /** What of each parameter is added to its gradient. */
  readonly weightDecay: number;
  /** Nesterov's form, as PyTorch has it. Default: plain momentum. */
  readonly nesterov?: boolean;
  /** What the gradients were scaled by; a step whose gradients overflow is then skipped. */
  readonly lossScale?: LossScale;
  /** What has looked at the gradients already; where it found one that is not finite, nothing changes. */
  readonly inspection?: Inspection;
}

/**
 * One step of stochastic gradient descent with momentum and weight decay, as PyTorch's SGD, over all parameters in one
 * dispatch. The parameters and the velocity are changed in place.
 *
 * @param parameters What to change.
 * @param gradients A gradient for each, in the same order, or all in one buffer as {@link flatGradients} gives it.
 * @throws {TypeError} If a gradient's shape differs from its parameter's.
 */
export function sgd(
  parameters: FlatTensors,
  gradients: readonly Tensor[] | Tensor,
  options: SgdOptions,
): void {
  const { velocity, learningRate, momentum, weightDecay, nesterov = false, lossScale } = options;
  const inspection = options.inspection ?? lossScale?.inspection;
  const { flat } = parameters;
  wantShape(velocity.flat, flat.shape, "take a step of SGD");
  if (gradients instanceof Tensor) wantShape(gradients, flat.shape, "take a step of SGD");
  const whole = gradients instanceof Tensor
    ? gradients
    : flatGradients(parameters, gradients, inspection === undefined ? {} : { inspection });
  const quads = storedQuads(flat);
  if (options.inspection === undefined) lossScale?.inspect(whole);
  const { values } = learningRate;
  kernel.dispatch("step", {
    read: [values, whole, lossScale?.scale ?? values, inspection?.found ?? values],
    write: [flat, velocity.flat],
    constants: {
      quads,
      momentum,
      weight_decay: weightDecay,
      nesterov: nesterov ? 1 : 0,
      scaled: lossScale === undefined ? 0 : 1,
      inspected: inspection === undefined ? 0 : 1,
      rate_at: learningRate.index,
    },
    grid: gridFor(quads, 64),
  });
}

/**
 * Puts gradients side by side in one buffer, laid out as their parameters.
 *
 * @param parameters The parameters.
 * @param gradients A gradient for each, in the same order.
 * @param options.inspection What will look at them, which then keeps the buffer.
 * @throws {TypeError} If a gradient's shape differs from its parameter's.
 */
export function flatGradients(
  parameters: FlatTensors,
  gradients: readonly Tensor[],
  { inspection }: { inspection?: Inspection } = {},
): Tensor {
  const { flat, trainable } = parameters;
  trainable.forEach((parameter, at) => {
    wantShape(gradients[at] ?? flat, parameter.shape, `take a step of SGD for ${parameter.label}`);
  });
  const room = inspection?.room(flat);
  const gathered = gather(gradients, {
    label: "gradients",
    ...(room === undefined ? {} : { into: room }),
  });
  if (gathered !== null) return gathered;
  // They could not be computed into one buffer.
  const whole = room ?? flat.gpu.zeros(flat.shape, { label: "gradients" });
  gradients.forEach((gradient, at) => {
    copyInto(gradient, whole, { offset: trainable[at]?.storage.range.offset ?? 0 });
  });
  return whole;
}
