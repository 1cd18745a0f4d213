import assert from "node:assert/strict";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { damaged, FUZZ_TARGETS, readDamaged } from "../support/fuzz.ts";
import { tempFolder } from "../support/temp_folder.ts";

const COUNT = 60;
/** The HDF5 library starts anew for every file. */
const HICKLE_COUNT = 30;

for (const target of FUZZ_TARGETS) {
  const count = target.name === "hickle" ? HICKLE_COUNT : COUNT;
  Deno.test(`readWeights: ${count} damaged files, ${target.name}`, async () => {
    await using folder = await tempFolder();
    const path = `${folder.path}/damaged`;
    const sound = new Map(
      await Promise.all(target.files.map(async (file) =>
        [
          file,
          (await readWeights(file)).tensors,
        ] as const
      )),
    );
    let refused = 0;
    for await (const { bytes, what, file } of damaged(target, count)) {
      await Deno.writeFile(path, bytes);
      const ending = await readDamaged(path, {
        sound: sound.get(file ?? "") ?? new Map(),
        hasChecksums: target.hasChecksums,
      });
      assert.equal(ending.fault, null, `${file}: ${what}`);
      assert.ok(ending.time < 15_000, `${file}: ${what}: ${ending.time} ms`);
      if (ending.kind === "refused") refused++;
    }
    assert.ok(refused > count / 4, `${refused} of ${count} were refused`);
  });
}
