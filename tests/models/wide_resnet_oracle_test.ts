import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import type { Model } from "../../lib/models/model.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { mean } from "../../lib/ops/sum.ts";
import { withoutGradients } from "../../lib/tape.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { floats, readSafetensors } from "../../lib/weights/safetensors.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { testGpu } from "../support/gpu.ts";
import { Oracle } from "../support/oracle.ts";

const CASE = "wrn_10_1/";
const oracle = await Oracle.open("ops/ops.safetensors");

async function caseNetwork(): Promise<Model> {
  const gpu = await testGpu();
  const model = wideResNet(gpu, { depth: 10, widths: groupWidths(1), classes: 10, seed: 0 });
  const path = new URL("../oracle/ops/ops.safetensors", import.meta.url).pathname;
  const mark = `${CASE}param.`;
  const own = [...(await readSafetensors(path)).tensors]
    .filter(([name]) => name.startsWith(mark))
    .map(([name, tensor]) => [name.slice(mark.length), tensor] as const);
  model.parameters.load(new Map(own), { from: path });
  return model;
}

function assertAs(name: string, found: Float32Array): void {
  assertLargest(found, oracle.raw(CASE + name), { rtol: 1e-5, what: name });
}

function assertTensors(kind: string, tensors: NamedTensors): void {
  for (const [name, tensor] of tensors) assertAs(`${kind}.${name}`, floats(tensor, "compare"));
}

Deno.test("wideResNet: evaluates as PyTorch does", async () => {
  const gpu = await testGpu();
  using model = await caseNetwork();
  const x = oracle.tensor(gpu, `${CASE}in.x`);
  const { logits } = withoutGradients(() => model.apply(x, { training: false }));
  assertAs("out.logits_eval", await logits.read());
});

Deno.test("wideResNet: logits, loss, taps, every gradient and statistic of a training pass are PyTorch's", async () => {
  const gpu = await testGpu();
  using model = await caseNetwork();
  const { parameters } = model;
  const labels = oracle.labelTensor(gpu, `${CASE}in.labels`);
  const { logits, taps } = model.apply(oracle.tensor(gpu, `${CASE}in.x`), { training: true });
  const loss = mean(crossEntropy(logits, labels));
  const found = gradients(loss, parameters.trainable);
  assertAs("out.logits_train", await logits.read());
  assertAs("out.loss", await loss.read());
  assert.equal(taps.length, 3);
  for (const [group, tap] of taps.entries()) {
    assertAs(`out.at${group}`, await attentionMap(tap).read());
  }
  const statistics = [...await parameters.save()].filter(([name]) => name.includes("running"));
  assert.equal(statistics.length, 14);
  assertTensors("after", new Map(statistics));
  parameters.trainable.forEach((tensor, at) => {
    assert.deepEqual(found[at]?.shape, tensor.shape);
  });
  // The gradients lie as the weights do, so a set of the same names turns them into PyTorch's order.
  const values = await gpu.read(found);
  parameters.trainable.forEach((tensor, at) => tensor.write(values[at] ?? new Float32Array()));
  const named = [...await parameters.save()].filter(([name]) => !name.includes("running"));
  assert.equal(named.length, found.length);
  assertTensors("grad", new Map(named));
});
