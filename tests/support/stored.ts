import assert from "node:assert/strict";
import { pack, unpack } from "../../lib/gpu/layout.ts";
import { Tensor } from "../../lib/gpu/tensor.ts";

/** What a tensor stores, padding included, as one flat tensor of real numbers. */
export function stored({ gpu, storage, dtype }: Tensor): Tensor {
  return dtype === "f16"
    ? new Tensor(gpu, [storage.bytes / 2], storage, dtype)
    : new Tensor(gpu, [storage.bytes / 4], storage);
}

/** Reads a tensor of unsigned integers. */
export async function readIntegers(tensor: Tensor): Promise<number[]> {
  const values = await stored(tensor).read();
  return [...new Uint32Array(values.buffer, 0, tensor.size)];
}

/** Reads tensors in one wait and asserts that their padding is zero. */
export async function readChecked(tensors: readonly Tensor[]): Promise<Float32Array[]> {
  const [first] = tensors;
  if (first === undefined) return [];
  const all = await first.gpu.read(tensors.map(stored));
  return tensors.map((tensor, at) => {
    const flat = new Float32Array(all[at] ?? []);
    const { shape, layout } = tensor;
    const inside = pack(new Float32Array(tensor.size).fill(1), { shape, layout, dtype: "f32" });
    const dirty = flat.findIndex((value, place) => inside[place] === 0 && value !== 0);
    assert.ok(dirty < 0, `padding of ${tensor.label}[${dirty}]: wanted 0, found ${flat[dirty]}`);
    return unpack(flat, tensor);
  });
}
