import assert from "node:assert/strict";
import type { Model } from "../../lib/models/model.ts";
import { assertLargest } from "./assert_largest.ts";
import type { Shaped } from "./reference/activation.ts";

/** Asserts that a network evaluates images to what a reference does: its taps, then the logits. */
export async function assertComputes(
  model: Model,
  { images, shape, wanted }: {
    images: Float32Array;
    shape: readonly number[];
    wanted: readonly Shaped[];
  },
): Promise<void> {
  const { gpu } = model.parameters;
  const { logits, taps } = model.apply(gpu.tensor(images, shape), { training: false });
  const outputs = [...taps, logits];
  assert.deepEqual(outputs.map(({ shape }) => shape), wanted.map(({ shape }) => shape));
  const found = await gpu.read(outputs);
  wanted.forEach(({ values }, at) =>
    assertLargest(found[at] ?? [], values, { rtol: 1e-5, what: `output ${at}` })
  );
}
