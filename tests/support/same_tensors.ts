import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import type { FileTensor } from "../../lib/weights/file_tensor.ts";

/** Asserts that two sets of tensors have the same names, shapes, formats and bytes, in any order. */
export function assertSameTensors(
  found: ReadonlyMap<string, FileTensor>,
  wanted: ReadonlyMap<string, FileTensor>,
): void {
  assert.deepEqual([...found.keys()].sort(), [...wanted.keys()].sort());
  for (const [name, { dtype, shape, data }] of wanted) {
    const tensor = found.get(name);
    assert.deepEqual([tensor?.dtype, tensor?.shape], [dtype, shape], name);
    assert.ok(Buffer.from(tensor?.data ?? []).equals(data), `${name}: the same bytes`);
  }
}
