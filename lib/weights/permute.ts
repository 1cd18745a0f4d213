/**
 * Reorders the dimensions of an array: OIHW weights to HWIO, for instance, with the axes `[2, 3, 1, 0]`.
 *
 * @param values The numbers in C order.
 * @param shape Their sizes.
 * @param axes Which dimension of the input each dimension of the result is.
 * @returns The numbers in the new order.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...permute(new Float32Array([1, 2, 3, 4]), [2, 2], [1, 0])], [1, 3, 2, 4]);
 * ```
 */
export function permute(
  values: Float32Array,
  shape: readonly number[],
  axes: readonly number[],
): Float32Array<ArrayBuffer> {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const sizes = axes.map((axis) => shape[axis] ?? 1);
  const steps = axes.map((axis) => strides[axis] ?? 0);
  const permuted = new Float32Array(values.length);
  const index = sizes.map(() => 0);
  let from = 0;
  for (let to = 0; to < permuted.length; to++) {
    permuted[to] = values[from] ?? 0;
    for (let axis = sizes.length - 1; axis >= 0; axis--) {
      const step = steps[axis] ?? 0;
      const at = (index[axis] ?? 0) + 1;
      from += step;
      if (at < (sizes[axis] ?? 1)) {
        index[axis] = at;
        break;
      }
      from -= at * step;
      index[axis] = 0;
    }
  }
  return permuted;
}
