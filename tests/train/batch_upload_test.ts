import assert from "node:assert/strict";
import { Program } from "../../lib/gpu/program.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { augment } from "../../lib/ops/augment.ts";
import type { LoadedBatch } from "../../lib/train/batch_source.ts";
import { BatchUpload } from "../../lib/train/batch_upload.ts";
import { testGpu } from "../support/gpu.ts";
import { MEAN, STD } from "../support/images.ts";
import { randomStream } from "../support/random.ts";
import { readIntegers } from "../support/stored.ts";

const SIZE = 5;
const SOURCE = { batchSize: 3, size: SIZE, mean: MEAN, std: STD };

/** A batch whose bytes lie in shared memory, as a loader's; 75 bytes an image are no whole number of words. */
function batchOf(images: number, seed: number): LoadedBatch {
  const next = randomStream(seed);
  const pixels = new Uint8Array(new SharedArrayBuffer(3 * 75)).subarray(0, images * 75);
  for (let at = 0; at < pixels.length; at++) pixels[at] = 256 * next();
  const numbers = (factor: number) =>
    Uint32Array.from({ length: images }, (_, at) => factor * at + 9);
  return {
    ...{ step: 0, epoch: 1, images, pixels, labels: numbers(100), indices: numbers(7) },
    release: () => {},
  };
}

function normalised({ images, pixels }: LoadedBatch): Float32Array {
  return Float32Array.from({ length: images * 75 }, (_, at) => {
    const [n, p, c] = [Math.floor(at / 75), Math.floor(at % 75 / 3), at % 3];
    return ((pixels[n * 75 + c * 25 + p] ?? NaN) - (MEAN[c] ?? NaN)) / (STD[c] ?? NaN);
  });
}

function assertNear(found: Float32Array, wanted: Float32Array): void {
  assert.equal(found.length, wanted.length);
  const worst = found.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (wanted[at] ?? NaN))),
    0,
  );
  assert.ok(worst < 1e-5, `wanted the bytes normalised, found one ${worst} off`);
}

Deno.test("BatchUpload: a recorded step sees each batch that is written before it", async () => {
  const gpu = await testGpu();
  using upload = new BatchUpload(gpu, SOURCE);
  using values = new StepValues(gpu, ["epoch"]);
  for (const images of [3, 2]) {
    using program = await Program.record(gpu, {
      label: "upload",
      build: () => {
        const options = {
          batch: images,
          augment: "none",
          epoch: values.at("epoch"),
          seed: 1,
        } as const;
        return upload.images(options);
      },
    });
    for (const seed of [1, 2]) {
      const batch = batchOf(images, seed);
      upload.write(batch);
      program.run();
      // What was written is the queue's own, so the batch's memory may be used again.
      const wanted = normalised(batch);
      batch.pixels.fill(0);
      assertNear(await program.outputs.x.read(), wanted);
      assert.deepEqual(await readIntegers(program.outputs.labels), [...batch.labels]);
    }
  }
});

Deno.test("BatchUpload: full augmentation is the op's, by the images' places in the set", async () => {
  const gpu = await testGpu();
  using upload = new BatchUpload(gpu, SOURCE);
  using values = new StepValues(gpu, ["epoch"]);
  values.setInteger("epoch", 4);
  values.upload();
  const batch = batchOf(3, 5);
  upload.write(batch);
  const epoch = values.at("epoch");
  const { x, labels } = upload.images({ batch: 3, augment: "full", epoch, seed: 6 });
  assert.deepEqual(await readIntegers(labels), [...batch.labels]);
  const bytes = new Uint8Array(228);
  bytes.set(batch.pixels);
  const wanted = augment(gpu.tensor(new Uint32Array(bytes.buffer), [57], { dtype: "u32" }), {
    ...{ batch: 3, size: SIZE, epoch, seed: 6, mean: MEAN, std: STD },
    indices: gpu.tensor(batch.indices, [3], { dtype: "u32" }),
  });
  assert.deepEqual(await x.read(), await wanted.read());
});
