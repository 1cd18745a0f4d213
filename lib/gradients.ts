import type { Operation, Tensor } from "./gpu/tensor.ts";
import { add } from "./ops/add.ts";
import { wantLike } from "./ops/shapes.ts";
import { withoutGradients } from "./tape.ts";

/** Options of {@link gradients}. */
export interface GradientOptions {
  /** Whether the gradients can be differentiated again. Default: false. */
  readonly differentiable?: boolean;
  /** The gradient of what comes after `y`, of y's shape; needed where y is not a scalar. */
  readonly upstream?: Tensor;
}

function traverse(y: Tensor, xs: ReadonlySet<Tensor>): { order: Tensor[]; onPath: Set<Tensor> } {
  const order: Tensor[] = [];
  const onPath = new Set<Tensor>();
  const seen = new Set<Tensor>();
  const stack: { tensor: Tensor; done: boolean }[] = [{ tensor: y, done: false }];
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { tensor, done } = top;
    const inputs = tensor.operation?.inputs ?? [];
    if (done) {
      if (xs.has(tensor) || inputs.some((input) => onPath.has(input))) onPath.add(tensor);
      order.push(tensor);
      continue;
    }
    if (seen.has(tensor)) continue;
    seen.add(tensor);
    stack.push({ tensor, done: true });
    for (const input of inputs) stack.push({ tensor: input, done: false });
  }
  return { order: order.reverse(), onPath };
}

function applyVjp(
  { name, inputs, vjp, differentiableVjp }: Operation,
  { dy, onPath, differentiable }: {
    dy: Tensor;
    onPath: ReadonlySet<Tensor>;
    differentiable: boolean;
  },
): readonly (Tensor | null)[] {
  const needs = inputs.map((input) => onPath.has(input));
  if (!differentiable) return vjp(dy, needs);
  for (const { label, dtype } of [...inputs, dy]) {
    if (dtype !== "f16") continue;
    throw new TypeError(
      `Cannot take a differentiable gradient through ${name}: wanted f32 activations, found ${label} in f16; ` +
        "half precision has no second derivatives",
    );
  }
  if (differentiableVjp === null) {
    throw new TypeError(
      `Cannot take a differentiable gradient through ${name}: it has no second derivative`,
    );
  }
  return differentiableVjp(dy, needs);
}

/**
 * The gradients of a scalar with respect to tensors, by one reverse sweep.
 *
 * @param y A scalar, unless `upstream` is given.
 * @param xs Tensors that y was computed from, with `requiresGrad`.
 * @returns A gradient of its shape for each of `xs`.
 * @throws {TypeError} If y is not a scalar, does not depend on one of `xs`, or an op on the way has no second
 * derivative where one is asked for, as none has in half precision.
 * @example
 * ```ts
 * import { Gpu, gradients, multiply, sum, watch } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * using gpu = await Gpu.open();
 * const x = watch(gpu.tensor([1, 2], [2]));
 * const y = sum(multiply(x, multiply(x, x)), { keep: "none" });
 * const [dx] = gradients(y, [x], { differentiable: true });
 * assert.deepEqual([...await dx?.read() ?? []], [3, 12]);
 * const [ddx] = gradients(sum(dx ?? x, { keep: "none" }), [x]);
 * assert.deepEqual([...await ddx?.read() ?? []], [6, 12]);
 * ```
 */
export function gradients(
  y: Tensor,
  xs: readonly Tensor[],
  { differentiable = false, upstream = y.gpu.constant(1) }: GradientOptions = {},
): Tensor[] {
  wantLike(upstream, y, "start a reverse sweep (y must be a scalar, or upstream be given)");
  const { order, onPath } = traverse(y, new Set(xs));
  const sweep = () => {
    const found = new Map<Tensor, Tensor>([[y, upstream]]);
    for (const tensor of order) {
      const dy = found.get(tensor);
      if (dy === undefined || tensor.operation === null || !onPath.has(tensor)) continue;
      const { inputs } = tensor.operation;
      const grads = applyVjp(tensor.operation, { dy, onPath, differentiable });
      inputs.forEach((input, at) => {
        const grad = grads[at] ?? null;
        if (grad === null || !onPath.has(input)) return;
        const before = found.get(input);
        found.set(input, before === undefined ? grad : add(before, grad));
      });
    }
    return xs.map((x) => {
      const grad = found.get(x);
      if (grad === undefined) {
        throw new TypeError(
          `Cannot take the gradient of ${y.label}: it does not depend on ${x.label}, or ${x.label} has no requiresGrad`,
        );
      }
      return grad;
    });
  };
  return differentiable ? sweep() : withoutGradients(sweep);
}
