import { bytesOf, type DType, type RealType } from "../gpu/dtype.ts";
import type { Layout } from "../gpu/layout.ts";
import type { Tensor } from "../gpu/tensor.ts";

/** Counts the vec4s that a tensor stores. */
export function storedQuads(x: Tensor): number {
  return x.storage.bytes / (4 * bytesOf(x.dtype));
}

function describe(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}

/**
 * The sizes of a tensor of four dimensions.
 *
 * @param action What cannot be done otherwise, as in "convolve x".
 * @throws {TypeError} If there are not four dimensions.
 */
export function fourSizes(x: Tensor, action: string): [number, number, number, number] {
  const [n, height, width, channels] = x.shape;
  if (
    x.shape.length !== 4 || n === undefined || height === undefined || width === undefined ||
    channels === undefined
  ) {
    throw new TypeError(`Cannot ${action}: wanted four dimensions, found ${describe(x.shape)}`);
  }
  return [n, height, width, channels];
}

/**
 * The sizes of a tensor of two dimensions.
 *
 * @throws {TypeError} If there are not two dimensions.
 */
export function twoSizes(x: Tensor, action: string): [number, number] {
  const [rows, columns] = x.shape;
  if (x.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw new TypeError(`Cannot ${action}: wanted two dimensions, found ${describe(x.shape)}`);
  }
  return [rows, columns];
}

/**
 * Checks a tensor's shape.
 *
 * @throws {TypeError} If it differs.
 */
export function wantShape(x: Tensor, shape: readonly number[], action: string): void {
  if (x.shape.length !== shape.length || x.shape.some((size, at) => size !== shape[at])) {
    throw new TypeError(
      `Cannot ${action}: ${x.label} must be ${describe(shape)}, found ${describe(x.shape)}`,
    );
  }
}

/**
 * Checks that a tensor has the shape, the layout and the type of another.
 *
 * @throws {TypeError} If one differs.
 */
export function wantLike(x: Tensor, { shape, layout, dtype }: Tensor, action: string): void {
  wantShape(x, shape, action);
  wantLayout(x, layout, action);
  wantType(x, dtype, action);
}

/**
 * Checks what one number of a tensor is.
 *
 * @throws {TypeError} If it is of another type.
 */
export function wantType(x: Tensor, dtype: DType, action: string): void {
  if (x.dtype !== dtype) {
    throw new TypeError(
      `Cannot ${action}: ${x.label} must hold ${dtype} numbers, found ${x.dtype}`,
    );
  }
}

/**
 * Checks that a tensor holds activations or gradients, in float32 or half precision.
 *
 * @returns Which of the two.
 * @throws {TypeError} If it holds integers.
 */
export function wantReal(x: Tensor, action: string): RealType {
  if (x.dtype === "u32") {
    throw new TypeError(
      `Cannot ${action}: ${x.label} must hold f32 or f16 numbers, found ${x.dtype}`,
    );
  }
  return x.dtype;
}

/**
 * Checks how a tensor lies in memory.
 *
 * @throws {TypeError} If it lies otherwise.
 */
export function wantLayout(x: Tensor, layout: Layout, action: string): void {
  if (x.layout !== layout) {
    throw new TypeError(
      `Cannot ${action}: ${x.label} must have the layout ${layout}, found ${x.layout}`,
    );
  }
}

/**
 * Checks that samples can be told from channels.
 *
 * @throws {TypeError} If there are fewer than two dimensions.
 */
export function wantSamples(shape: readonly number[], action: string): void {
  if (shape.length < 2) {
    throw new TypeError(
      `Cannot ${action}: to keep samples, wanted at least two dimensions, found ${describe(shape)}`,
    );
  }
}

/**
 * Checks a number that an op takes.
 *
 * @throws {RangeError} If it is not an integer of at least `least`.
 */
export function wantInteger(value: number, name: string, { least }: { least: number }): void {
  if (!Number.isInteger(value) || value < least) {
    throw new RangeError(
      `Cannot use ${name}: wanted an integer of at least ${least}, found ${value}`,
    );
  }
}
