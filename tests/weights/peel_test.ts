import assert from "node:assert/strict";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import { styleOf } from "../../lib/weights/names.ts";
import { peelNames } from "../../lib/weights/peel.ts";

const NETWORK = ["conv1.weight", "layer1.0.conv1.weight", "fc.weight"];
const COUNTER = { dtype: "I64", shape: [], data: new Uint8Array(8) } as const;
const weight = fileTensor(new Float32Array(1), [1]);

function peel(names: readonly string[], counters: readonly string[] = []): string[] {
  const tensors = new Map([
    ...names.map((name) => [name, weight] as const),
    ...counters.map((name) => [name, COUNTER] as const),
  ]);
  return [...peelNames(tensors, (tensors) => styleOf(tensors) !== undefined).keys()];
}

for (
  const prefix of [
    "module.",
    "_orig_mod.",
    "model.",
    "backbone.",
    "encoder.",
    "module._orig_mod.",
    "_orig_mod.module.",
    "module.module.",
    "net.",
    "student_net.model._orig_mod.encoder.",
  ]
) {
  Deno.test(`peelNames: takes off ${prefix}`, () => {
    assert.deepEqual(peel(NETWORK.map((name) => prefix + name)), NETWORK);
  });
}

Deno.test("peelNames: a head outside, a compiled part, counters beside", () => {
  assert.deepEqual(
    peel(["backbone.conv1.weight", "backbone.layer1.0.conv1.weight", "fc.weight"]),
    NETWORK,
  );
  assert.deepEqual(peel(["conv1.weight", "layer1._orig_mod.0.conv1.weight", "fc.weight"]), NETWORK);
  assert.deepEqual(peel(NETWORK.map((name) => `net.${name}`), ["n_averaged", "epoch"]), NETWORK);
  assert.deepEqual(peel(NETWORK, ["bn1.num_batches_tracked"]), [
    ...NETWORK,
    "bn1.num_batches_tracked",
  ]);
});

Deno.test("peelNames: what is no known network then, or would have one name twice, stays", () => {
  const unknown = ["module.a.weight", "module.b.weight"];
  assert.deepEqual(peel(unknown), unknown);
  const two = [...NETWORK.map((name) => `model.${name}`), "fc.weight"];
  assert.deepEqual(peel(two), two);
});
