import assert from "node:assert/strict";
import { sizeOf } from "../../lib/gpu/layout.ts";
import { type FileTensor, floats } from "../../lib/weights/file_tensor.ts";
import { NAME_STYLES } from "../../lib/weights/names.ts";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { renameWeights } from "../../lib/weights/rename.ts";
import { assertClose } from "../support/assert_close.ts";
import { randomValues } from "../support/random.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { HICKLES } from "../support/weight_files.ts";

const from = "a.pth";
let seed = 0;

function tensor(shape: number[], positive = false): FileTensor {
  const values = randomValues(sizeOf(shape), { seed: ++seed });
  return fileTensor(
    Float32Array.from(values, (value) => positive ? 0.5 + value * value : value),
    shape,
  );
}

function norm(name: string, channels: number): [string, FileTensor][] {
  return ["weight", "bias", "running_mean", "running_var"].map((part) => [
    `${name}.${part}`,
    tensor([channels], part === "running_var"),
  ]);
}

/** A small ResNet with torchvision's names. */
function torchvision(): Map<string, FileTensor> {
  return new Map([
    ["conv1.weight", tensor([4, 3, 7, 7])],
    ...norm("bn1", 4),
    ["bn1.num_batches_tracked", { dtype: "I64", shape: [], data: new Uint8Array(8) }],
    ...[4, 6].flatMap((width, group): [string, FileTensor][] => [
      [`layer${group + 1}.0.conv1.weight`, tensor([width, 4, 3, 3])],
      ...norm(`layer${group + 1}.0.bn1`, width),
      [`layer${group + 1}.0.conv2.weight`, tensor([width, width, 3, 3])],
      ...norm(`layer${group + 1}.0.bn2`, width),
    ]),
    ["layer2.0.downsample.0.weight", tensor([6, 4, 1, 1])],
    ...norm("layer2.0.downsample.1", 6),
    ["fc.weight", tensor([10, 6])],
    ["fc.bias", tensor([10])],
  ]);
}

const read = (tensors: ReadonlyMap<string, FileTensor>, name: string) => {
  const found = tensors.get(name);
  assert.ok(found, name);
  return floats(found, `read ${name}`);
};

Deno.test("renameWeights: folding gives w x + b as convolution and normalisation give it", () => {
  const file = torchvision();
  const folded = renameWeights(file, { to: "functional-zoo", from });
  const places = {
    "conv0": ["conv1.weight", "bn1"],
    "group0.block0.conv1": ["layer1.0.conv2.weight", "layer1.0.bn2"],
    "group1.block0.conv_dim": ["layer2.0.downsample.0.weight", "layer2.0.downsample.1"],
  } as const;
  for (const [name, [conv, bn]] of Object.entries(places)) {
    const weight = read(file, conv);
    const channels = file.get(conv)?.shape[0] ?? 0;
    const patch = weight.length / channels;
    const x = randomValues(patch, { seed: 99 });
    const dot = (w: Float32Array, channel: number) =>
      x.reduce((sum, value, at) => sum + value * (w[channel * patch + at] ?? 0), 0);
    const part = (word: string) => read(file, `${bn}.${word}`);
    const wanted = Float64Array.from({ length: channels }, (_, channel) => {
      const deviation = Math.sqrt((part("running_var")[channel] ?? 0) + 1e-5);
      const normal = (dot(weight, channel) - (part("running_mean")[channel] ?? 0)) / deviation;
      return normal * (part("weight")[channel] ?? 0) + (part("bias")[channel] ?? 0);
    });
    const [w, b] = [read(folded, `${name}.weight`), read(folded, `${name}.bias`)];
    const found = Float32Array.from({ length: channels }, (_, c) => dot(w, c) + (b[c] ?? 0));
    assertClose(found, wanted, { atol: 1e-5, rtol: 1e-5, what: name });
  }
});

Deno.test("renameWeights: bare keeps the normalisation, and back are the same bytes", () => {
  const file = torchvision();
  const bare = renameWeights(file, { to: "bare", from });
  assert.deepEqual([...bare.keys()].slice(0, 6), [
    "conv0",
    "bn0.weight",
    "bn0.bias",
    "bn0.running_mean",
    "bn0.running_var",
    "group0.block0.conv0",
  ]);
  assert.ok(bare.has("group1.block0.convdim") && bare.has("group1.block0.bndim.running_var"));
  file.delete("bn1.num_batches_tracked");
  assertSameTensors(renameWeights(bare, { to: "torchvision", from }), file);
});

Deno.test("renameWeights: an export with torchvision's names computes the same when it is folded again", async () => {
  for (const name of ["tiny-2.0.5", "tiny-3.4.8"]) {
    const { tensors } = await readWeights(`${HICKLES}${name}.hkl`);
    const unfolded = renameWeights(tensors, { to: "torchvision", from });
    assert.ok(unfolded.has("layer4.0.downsample.1.running_var"));
    const again = renameWeights(unfolded, { to: "functional-zoo", from });
    for (const key of tensors.keys()) {
      assertClose(read(again, key), Float64Array.from(read(tensors, key)), {
        atol: 0,
        rtol: 2e-7,
        what: key,
      });
    }
  }
});

Deno.test("renameWeights: tensors that have the names stay as they are, types too", () => {
  const half = new Map([...torchvision(), [
    "fc.bias",
    { dtype: "F16", shape: [10], data: new Uint8Array(20) } as const,
  ]]);
  assertSameTensors(renameWeights(half, { to: "torchvision", from }), half);
  assert.equal(renameWeights(half, { to: "bare", from }).get("fc.bias")?.dtype, "F16");
});

Deno.test("renameWeights: another network is an error that says what is there", () => {
  const wide = new Map([...renameWeights(torchvision(), { to: "bare", from }), ...norm("bn", 6)]);
  assert.throws(() => renameWeights(wide, { to: "torchvision", from }), {
    name: "TypeError",
    message:
      "Cannot rename a.pth to torchvision: wanted a ResNet of basic blocks under the names of bare, " +
      "functional-zoo or torchvision, found beside it only bn.weight, bn.bias, bn.running_mean, bn.running_var",
  });
  const bottleneck = torchvision().set("layer1.0.conv3.weight", tensor([16, 4, 1, 1]));
  assert.throws(
    () => renameWeights(bottleneck, { to: "bare", from }),
    /beside it only layer1\.0\.conv3/,
  );
  const headless = torchvision();
  headless.delete("fc.bias");
  assert.throws(() => renameWeights(headless, { to: "bare", from }), /found no fc\.bias/);
  const lame = torchvision();
  lame.delete("layer2.0.conv2.weight");
  assert.throws(
    () => renameWeights(lame, { to: "bare", from }),
    /found no layer2\.0\.conv2\.weight/,
  );
  for (const to of NAME_STYLES) {
    assert.throws(() => renameWeights(new Map([["x", tensor([1])]]), { to, from }), /found only x/);
  }
});
