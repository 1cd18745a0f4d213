import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { findPython } from "../support/python.ts";
import { tempFolder } from "../support/temp_folder.ts";

const python = await findPython(["h5py", "numpy"]);

/** Arrays as large as ResNet-34's, in the layout of hickle 2. */
const SCRIPT = `
import h5py, numpy as np, sys, zlib
random = np.random.default_rng(0)
with h5py.File(sys.argv[1], "w") as f:
    for i in range(9):
        data = random.standard_normal((512, 512, 3, 3), dtype="f4")
        packed = dict(compression="gzip", compression_opts=1) if i == 0 else {}
        f.create_group(f"data_0/w{i}").create_dataset("data_0", data=data, **packed)
        print(zlib.crc32(data.tobytes()))
`;

Deno.test({
  name:
    `readWeights: a hickle file of 85 MB is read by two workers, and takes less than three times its size in memory${python.note}`,
  ignore: python.ignore,
  async fn() {
    await using folder = await tempFolder();
    const path = `${folder.path}/large.hkl`;
    const sums = (await python.run(SCRIPT, [path])).trim().split("\n").map(Number);
    const script = fileURLToPath(new URL("../support/read_large.ts", import.meta.url));
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "--no-check", "--allow-read", script, path],
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    assert.equal(decode(stderr), "");
    const { checksums, size, above } = JSON.parse(decode(stdout));
    assert.deepEqual(checksums, sums);
    assert.ok(size > 80e6);
    assert.ok(above < 3 * size, `${above / 1e6} MB above the start for ${size / 1e6} MB`);
  },
});
