import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { RealType } from "../../lib/gpu/dtype.ts";
import { type Layout, sizeOf } from "../../lib/gpu/layout.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { add } from "../../lib/ops/add.ts";
import { multiply } from "../../lib/ops/multiply.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "./assert_close.ts";
import { largest } from "./assert_largest.ts";
import { along, partials, samplePlaces } from "./finite_differences.ts";
import { testGpu } from "./gpu.ts";
import { randomValues } from "./random.ts";
import { readChecked } from "./stored.ts";

/** One differentiable input of an op. */
export interface Operand {
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly layout?: Layout;
  /** What the op gets its numbers as. Default: float32. */
  readonly dtype?: RealType;
}

/** What an op is checked on, and what it is compared with. */
export interface OpCheck<K extends string> {
  readonly inputs: Readonly<Record<K, Operand>>;
  /** The shape that the op must give. */
  readonly shape: readonly number[];
  /** The op's formula in float64. */
  readonly reference: (values: Readonly<Record<K, Float64Array>>) => ArrayLike<number>;
  /** Whether the op has a second derivative. Default: true. */
  readonly second?: boolean;
  /** How many times its largest element a gradient may be off, a second one ten times that. Default: 2e-5. */
  readonly tolerance?: number;
  /** How many elements of each gradient are compared. Default: 150. */
  readonly most?: number;
}

/** An input on both sides, and the direction in which the first derivative is taken before the second. */
interface Argument {
  readonly name: string;
  readonly tensor: Tensor;
  readonly array: Float64Array;
  readonly direction: Tensor;
  readonly by: Float64Array;
}

function argument(
  gpu: Gpu,
  { name, shape, values: exact, layout = "channels", dtype = "f32" }: Operand & { name: string },
): Argument {
  const values = dtype === "f16" ? Float32Array.from(new Float16Array(exact)) : exact;
  const by = randomValues(values.length, { seed: values.length + name.length });
  return {
    name,
    tensor: watch(gpu.tensor(values, shape, { label: name, layout, dtype })),
    array: Float64Array.from(values),
    direction: gpu.tensor(by, shape, { label: `direction of ${name}`, layout }),
    by: Float64Array.from(by),
  };
}

function named<K extends string, V>(
  _like: Readonly<Record<K, unknown>>,
  values: readonly (readonly [string, V])[],
): Readonly<Record<K, V>> {
  return Object.fromEntries(values) as Record<K, V>;
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < b.length; at++) total += (a[at] ?? NaN) * (b[at] ?? NaN);
  return total;
}

/** The gradient of s, or zeros where s does not depend on x. */
function gradientOrZeros(s: Tensor, x: Tensor): Tensor {
  try {
    return gradients(s, [x])[0] ?? x;
  } catch (error) {
    assert.ok(error instanceof TypeError);
    assert.match(error.message, /it does not depend on/);
    return x.gpu.zeros(x.shape, { layout: x.layout });
  }
}

function compare(
  found: Float32Array | undefined,
  { of: { name, array }, slopeOf, kind, tolerance, most }: {
    of: Argument;
    slopeOf: () => number;
    kind: string;
    tolerance: number;
    most: number;
  },
): void {
  const places = samplePlaces(array.length, { most });
  const wanted = partials(slopeOf, { array, places });
  assertClose(places.map((place) => found?.[place] ?? NaN), wanted, {
    atol: tolerance * Math.max(largest(wanted), 1e-2),
    what: `${kind} of ${name}`,
  });
}

/**
 * Checks an op against its formula in float64: shape, values, zero padding, the gradient of every input in both forms
 * for `L = <y, upstream>`, and the gradients of `sum over inputs of <dL/dinput, direction>` with respect to the inputs
 * and the upstream. The derivatives of the formula are finite differences.
 */
export async function checkOp<K extends string>(
  op: (inputs: Readonly<Record<K, Tensor>>) => Tensor,
  { inputs, shape, reference, second = true, tolerance = 2e-5, most = 150 }: OpCheck<K>,
): Promise<void> {
  const gpu = await testGpu();
  const xs = Object.entries<Operand>(inputs).map(([name, operand]) =>
    argument(gpu, { name, ...operand })
  );
  const tensors = xs.map(({ tensor }) => tensor);
  const y = op(named(inputs, xs.map(({ name, tensor }) => [name, tensor])));
  assert.deepEqual(y.shape, shape);
  const values = randomValues(sizeOf(shape), { seed: 77 });
  const dtype = y.dtype === "f16" ? "f16" : "f32";
  const dy = argument(gpu, { name: "upstream", shape, values, layout: y.layout, dtype });

  const plain = gradients(y, tensors, { upstream: dy.tensor });
  plain.forEach((grad, at) => {
    assert.deepEqual(grad.shape, tensors[at]?.shape);
    assert.equal(grad.layout, tensors[at]?.layout);
    assert.equal(grad.dtype, tensors[at]?.dtype);
  });
  const composed = second
    ? gradients(y, tensors, { upstream: dy.tensor, differentiable: true })
    : [];
  const terms = composed.map((grad, at) =>
    sum(multiply(grad, xs[at]?.direction ?? grad), { keep: "none" })
  );
  const s = terms.slice(1).reduce(add, terms[0] ?? gpu.constant(0));
  const seconds = second ? [...xs, dy].map(({ tensor }) => gradientOrZeros(s, tensor)) : [];
  const found = (await readChecked([y, ...plain, ...composed, ...seconds])).values();

  const arrays = named(inputs, xs.map(({ name, array }) => [name, array]));
  const forward = Float64Array.from(reference(arrays));
  assertClose(found.next().value ?? [], forward, {
    atol: tolerance / 4 * Math.max(largest(forward), 1e-2),
    what: "output",
  });
  const loss = () => dot(reference(arrays), dy.array);
  for (const kind of second ? ["gradient", "differentiable gradient"] : ["gradient"]) {
    for (const of of xs) {
      compare(found.next().value, { of, slopeOf: loss, kind, tolerance, most });
    }
  }
  if (!second) return;
  const slopeOf = along(loss, xs);
  for (const of of [...xs, dy]) {
    compare(found.next().value, {
      of,
      slopeOf,
      kind: "second gradient",
      tolerance: 10 * tolerance,
      most: Math.ceil(most / 3),
    });
  }
}
