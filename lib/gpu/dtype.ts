/** What a stored number of activations or gradients is: float32, or half precision. */
export type RealType = "f32" | "f16";

/** What one stored number is. */
export type DType = RealType | "u32";

/** Numbers as the GPU stores them. */
export type StoredArray =
  | Float32Array<ArrayBuffer>
  | Float16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>;

const ARRAYS = { f32: Float32Array, f16: Float16Array, u32: Uint32Array } as const;

/** The bytes of one stored number. */
export function bytesOf(dtype: DType): number {
  return ARRAYS[dtype].BYTES_PER_ELEMENT;
}

/**
 * Room for stored numbers, all zero.
 *
 * @param size How many there are.
 */
export function storedArray(dtype: DType, size: number): StoredArray {
  return new ARRAYS[dtype](size);
}
