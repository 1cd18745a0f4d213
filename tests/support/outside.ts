/**
 * Uses of Pupil that load files of its own: a kernel, workers, WebAssembly and packages. `import_test.ts` runs it as a
 * script of somebody else's, with another address of `mod.ts` in the next line.
 *
 * @module
 */
import * as pupil from "../../mod.ts";

const [folder = "."] = Deno.args;

using gpu = await pupil.Gpu.open();
const rectified = await pupil.relu(gpu.tensor([-1, 2], [2])).read();

const { val } = await pupil.openImages(folder);
using pool = new pupil.DecodePool({ workers: 1 });
const sizes = { size: 2, batchSize: 1 };
await using loader = new pupil.ImageLoader(val, { pool, ...sizes, training: false });
const { pixels } = await loader.take(0);

const file = `${folder}/weights.hkl`;
await pupil.writeWeights(file, new Map([["w", pupil.fileTensor(Float32Array.of(3, 4), [2])]]));
const { tensors } = await pupil.readWeights(file);
const weights = Array.from(
  tensors,
  ([name, tensor]) => [name, ...pupil.floats(tensor, `read ${name}`)],
);

console.log(JSON.stringify({ rectified: [...rectified], pixels: [...pixels], weights }));
