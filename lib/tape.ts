import { Tensor, type Vjp } from "./gpu/tensor.ts";

let recording = true;

/** How an op's gradient flows back. */
export interface Recording {
  /** The op's name, for errors. */
  readonly name: string;
  /** What the op read. */
  readonly inputs: readonly Tensor[];
  /** What it made. */
  readonly output: Tensor;
  /** The vector-Jacobian product. Made of differentiable ops, unless `differentiableVjp` is given too. */
  readonly vjp: Vjp;
  /** A second form, made of differentiable ops, where `vjp` is a fused kernel; `null` where there is none. */
  readonly differentiableVjp?: Vjp | null;
}

/**
 * Remembers how a tensor was made, if a gradient may flow to one of the op's inputs.
 *
 * @returns The output.
 */
export function record({ name, inputs, output, vjp, differentiableVjp = vjp }: Recording): Tensor {
  if (recording && inputs.some(({ requiresGrad }) => requiresGrad)) {
    output.requiresGrad = true;
    output.operation = { name, inputs, vjp, differentiableVjp };
  }
  return output;
}

/** The same values under another shape with the same layout in memory, without history. */
export function alias(x: Tensor, shape: readonly number[] = x.shape): Tensor {
  return new Tensor(x.gpu, shape, x.storage, x.dtype, x.layout);
}

/** The same values as a constant: no gradient flows back through the result. */
export function stopGradient(x: Tensor): Tensor {
  return alias(x);
}

/** The same values as a leaf that gradients can be asked for. */
export function watch(x: Tensor): Tensor {
  const leaf = alias(x);
  leaf.requiresGrad = true;
  return leaf;
}

/** Runs `compute` without remembering how its tensors were made. */
export function withoutGradients<T>(compute: () => T): T {
  const before = recording;
  recording = false;
  try {
    return compute();
  } finally {
    recording = before;
  }
}
