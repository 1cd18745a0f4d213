import assert from "node:assert/strict";
import type { FileTensor } from "../../lib/weights/file_tensor.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { writeWeights, WRITTEN_ENDINGS } from "../../lib/weights/write_weights.ts";
import { filesIn } from "../data/tar_gz.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { WEIGHTS } from "../support/weight_files.ts";

Deno.test("writeWeights: every format gives back names, order, shapes, types and bytes", async () => {
  const { tensors } = await readWeights(`${WEIGHTS}odd.npz`);
  const held = new Map([...tensors].filter(([, { dtype }]) => dtype !== "F16" && dtype !== "BOOL"));
  assert.ok(held.size >= 9);
  await using folder = await tempFolder();
  for (const ending of WRITTEN_ENDINGS) {
    const path = `${folder.path}/a${ending}`;
    await writeWeights(path, held);
    const file = await readWeights(path);
    assert.deepEqual([...file.tensors.keys()], [...held.keys()], ending);
    assertSameTensors(file.tensors, held);
  }
});

Deno.test("writeWeights: npz and safetensors hold half precision and booleans too", async () => {
  const { tensors } = await readWeights(`${WEIGHTS}odd.npz`);
  await using folder = await tempFolder();
  for (const ending of [".npz", ".safetensors"]) {
    await writeWeights(`${folder.path}/a${ending}`, tensors);
    assertSameTensors((await readWeights(`${folder.path}/a${ending}`)).tensors, tensors);
  }
});

Deno.test("writeWeights: what a format cannot hold is an error, and nothing is written", async () => {
  await using folder = await tempFolder();
  const brain: FileTensor = { dtype: "BF16", shape: [1], data: new Uint8Array(2) };
  const one: FileTensor = { dtype: "U8", shape: [1], data: new Uint8Array(1) };
  const refused = [
    ["a.npz", "w", brain, /^Cannot write w: dtype must be one that NumPy has, found BF16/],
    [
      "a.hkl",
      "w",
      brain,
      /^Cannot write w: dtype must be one that this HDF5 library writes, found BF16/,
    ],
    ["a.hkl", "w/x", one, /^Cannot write w\/x: a name in a hickle file must have no slash/],
    ["a.pth", "w", one, /a\.pth: the name must end in \.safetensors, \.npz, \.hkl/],
  ] as const;
  for (const [name, key, tensor, message] of refused) {
    await assert.rejects(
      writeWeights(`${folder.path}/${name}`, new Map([[key, tensor]])),
      (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, message);
        return true;
      },
    );
  }
  assert.deepEqual(await filesIn(folder.path), []);
});
