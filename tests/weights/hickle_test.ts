import assert from "node:assert/strict";
import { readHickle } from "../../lib/weights/hickle.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { findPython } from "../support/python.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { HICKLES, WEIGHTS, withFile } from "../support/weight_files.ts";

const FILES = [
  "tiny-2.0.5",
  "tiny-2.0.5-gzip",
  "tiny-2.0.5-f64",
  "tiny-3.4.8",
  "tiny-5.0.2",
  "tiny-5.0.2-gzip-shuffle",
];

for (const name of FILES) {
  Deno.test(`readHickle: ${name} holds what its npz holds`, async () => {
    const { tensors } = await readWeights(`${HICKLES}${name}.npz`);
    assert.ok(tensors.size >= 23);
    assertSameTensors((await readHickle(`${HICKLES}${name}.hkl`)).tensors, tensors);
  });
}

Deno.test("readHickle: keeps the order of the dict where the file has it", async () => {
  const names = [...(await readHickle(`${HICKLES}tiny-5.0.2.hkl`)).tensors.keys()];
  assert.deepEqual(names.slice(0, 3), ["conv0.weight", "conv0.bias", "group0.block0.conv0.weight"]);
});

Deno.test("readHickle: nested dicts, lists, references, keys with slashes, half precision", async () => {
  const { tensors, left } = await readHickle(`${WEIGHTS}nested.hkl`);
  assert.deepEqual(left, ["s"]);
  assert.deepEqual(
    Array.from(tensors, ([name, { dtype, shape }]) => `${name} ${dtype} ${shape}`),
    ["a F32 2,3", "n.w F16 3", "x/y F64 2", "t.0 F32 2", "t.1 BOOL 2", "e I64 "],
  );
  assert.deepEqual([...new Float16Array(tensors.get("n.w")?.data.slice().buffer ?? [])], [0, 1, 2]);
});

Deno.test("readHickle: None, text and objects are left out and counted, None of old versions too", async () => {
  const { tensors, left } = await readHickle(`${WEIGHTS}mixed.hkl`);
  assert.deepEqual([...tensors.keys()].sort(), ["bytes", "w"]);
  assert.deepEqual(left.toSorted(), [
    ...["arch", "date", "names.0", "names.1", "none", "old none", "path", "texts.0", "texts.1"],
  ]);
});

Deno.test("readHickle: complex numbers are refused by name", async () => {
  await assert.rejects(readHickle(`${WEIGHTS}complex.hkl`), {
    message: `Cannot read ${WEIGHTS}complex.hkl: /data/'z' must hold real or whole numbers, ` +
      "found complex numbers of 8 bytes",
  });
});

Deno.test("readHickle: a damaged file is an error that names it and the place", async () => {
  const bytes = await Deno.readFile(`${WEIGHTS}packed.hkl`);
  await withFile(bytes.subarray(0, 9000), async (path) => {
    await assert.rejects(readHickle(path), (error) => {
      assert.ok(error instanceof Error);
      assert.match(error.message, /truncated/);
      assert.ok(error.message.startsWith(`Cannot read ${path}: `), error.message);
      assert.ok(!error.message.includes("\n"));
      return true;
    });
  });
  const deflated = bytes.findIndex((byte, at) => byte === 0x78 && bytes[at + 1] === 0x5e);
  assert.ok(deflated > 0);
  await withFile(bytes.fill(0, deflated, deflated + 50), async (path) => {
    await assert.rejects(readHickle(path), /data_0\/w\d\/data_0: filter returned failure/);
  });
});

Deno.test("readHickle: a worker that loops is ended, and the error names the last array", async () => {
  const start = () =>
    new Worker(new URL("../support/looping_worker.ts", import.meta.url), { type: "module" });
  const before = performance.now();
  await assert.rejects(readHickle(`${HICKLES}tiny-3.4.8.hkl`, { patience: 100, start }), {
    message: `Cannot read ${HICKLES}tiny-3.4.8.hkl: the HDF5 library must take a step every ` +
      "0.1 s and end within 0.233 s, found neither after conv0.bias",
  });
  assert.ok(performance.now() - before < 30_000);
});

Deno.test("readHickle: a worker that says for ever that it lives is ended too", async () => {
  const start = () =>
    new Worker(new URL("../support/endless_worker.ts", import.meta.url), { type: "module" });
  await assert.rejects(
    readHickle(`${HICKLES}tiny-3.4.8.hkl`, { patience: 300, start }),
    /end within 0\.433 s, found neither after the start$/,
  );
});

const python = await findPython(["hickle", "h5py", "numpy"]);

Deno.test({
  name:
    `readHickle, writeWeights: Python's hickle writes what is read and reads what is written${python.note}`,
  ignore: python.ignore,
  async fn() {
    await using folder = await tempFolder();
    await python.run(
      `
import hickle, h5py, numpy as np, sys
folder = sys.argv[1]
arrays = {f"group{i}.block0.conv{j}": np.random.randn(8, 3 + i, 3, 3).astype(t) for i in range(3) for j, t in enumerate(["f4", "f8", "i4"])}
np.savez(folder + "/all.npz", **arrays)
hickle.dump(arrays, folder + "/plain.hkl")
hickle.dump(arrays, folder + "/gzip.hkl", compression="gzip", shuffle=True, fletcher32=True)
with h5py.File(folder + "/one.hkl", "w") as f:
    for name, array in arrays.items():
        f.create_group("data/" + repr(name)).create_dataset("data", data=array.astype(array.dtype.newbyteorder(">")), chunks=True)
with h5py.File(folder + "/lzf.hkl", "w") as f:
    f.create_dataset("data/w", data=np.zeros((100, 100), "f4"), compression="lzf")
`,
      [folder.path],
    );
    const { tensors } = await readWeights(`${folder.path}/all.npz`);
    for (const name of ["plain", "gzip", "one"]) {
      assertSameTensors((await readHickle(`${folder.path}/${name}.hkl`)).tensors, tensors);
    }
    await assert.rejects(
      readHickle(`${folder.path}/lzf.hkl`),
      /\/data\/w must be plain or packed with gzip, found lzf$/,
    );
    await writeWeights(`${folder.path}/ours.hkl`, tensors);
    await writeWeights(`${folder.path}/ours.npz`, tensors);
    const said = await python.run(
      `
import hickle, numpy as np, sys
folder = sys.argv[1]
wanted, npz, hkl = np.load(folder + "/all.npz"), np.load(folder + "/ours.npz"), hickle.load(folder + "/ours.hkl")
assert type(hkl) is dict and list(hkl) == list(wanted) == list(npz)
for key in wanted:
    for found in (npz[key], hkl[key]):
        assert found.dtype == wanted[key].dtype and np.array_equal(found, wanted[key]), key
print(len(hkl))
`,
      [folder.path],
    );
    assert.equal(said.trim(), "9");
  },
});
