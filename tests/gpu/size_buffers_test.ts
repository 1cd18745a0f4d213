import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import { sum } from "../../lib/ops/sum.ts";
import { CallCounter } from "../support/call_counter.ts";
import { cardGpu, softwareGpu } from "../support/gpu.ts";

/** Adds up tensors of three shapes one by one, and counts the pipelines that this takes. */
async function pipelinesOf(gpu: Gpu): Promise<number> {
  using counter = new CallCounter(GPUDevice.prototype, ["createComputePipeline"]);
  for (const rows of [3, 5, 6, 3]) {
    using x = gpu.tensor(Float32Array.from({ length: 8 * rows }, (_, at) => at % 8), [rows, 8]);
    const wanted = Array.from({ length: 8 }, (_, column) => rows * column);
    assert.deepEqual([...await sum(x, { keep: "channels" }).read()], wanted);
  }
  return counter.counts["createComputePipeline"] ?? 0;
}

Deno.test("SizeBuffers: on a software adapter all shapes share a pipeline, on a card each has its own", async () => {
  const shared = await pipelinesOf(await softwareGpu());
  using card = await cardGpu();
  assert.equal(await pipelinesOf(card), 3 * shared);
});
