import assert from "node:assert/strict";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { batchOf, MEAN, STD, storeOf } from "../support/images.ts";
import { Oracle } from "../support/oracle.ts";
import { randomStream } from "../support/random.ts";
import { cropsThatFit, reflectPad } from "../support/reference/crop.ts";

const oracle = await Oracle.open("ops/ops.safetensors");
const SIZE = 10;
const PIXELS = 3 * SIZE * SIZE;

function noise(count: number): Uint8Array {
  const next = randomStream(5);
  return Uint8Array.from({ length: count * PIXELS }, () => 256 * next());
}

function labelsOf(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at * 7 % 10);
}

/** The bytes that were normalised into `[.., 3]` numbers. */
function bytesOf(x: Float32Array): number[] {
  return Array.from(x, (value, at) => Math.round(value * (STD[at % 3] ?? 1) + (MEAN[at % 3] ?? 0)));
}

Deno.test("imageBatch: normalises as PyTorch's transforms", async () => {
  const gpu = await testGpu();
  const images = ["0", "1"].map((at) => oracle.bytes(`cifar_prep/u8.${at}`));
  const bytes = Uint8Array.from(images.flatMap((image) => [...image]));
  const store = storeOf(gpu, { bytes, labels: [6, 9], size: 32 });
  const { x, labels, shape } = await batchOf(gpu, store, { batch: 2, order: [1, 0] });
  assert.deepEqual(shape, [2, 32, 32, 3]);
  assert.deepEqual(labels, [9, 6]);
  const planar = (at: number) => oracle.raw(`cifar_prep/normalized.${at}`);
  const wanted = [1, 0].flatMap((at) =>
    Array.from({ length: 3 * 1024 }, (_, i) => planar(at)[i % 3 * 1024 + Math.floor(i / 3)] ?? NaN)
  );
  assertClose(x, wanted, { atol: 1e-6, what: "pixels" });
});

Deno.test("imageBatch: every crop is one of PyTorch's reflect-padded image", async () => {
  const gpu = await testGpu();
  const bytes = oracle.bytes("cifar_prep/u8.0");
  const padded = oracle.bytes("cifar_prep/reflect_pad4.0");
  assert.deepEqual(reflectPad(bytes, { size: 32, padding: 4 }), padded.slice());
  const store = storeOf(gpu, { bytes, labels: [3], size: 32 });
  for (const epoch of [1, 2, 3]) {
    const { x } = await batchOf(gpu, store, { batch: 1, epoch, padding: 4, flips: true });
    assert.equal(cropsThatFit(padded, { found: bytesOf(x), size: 32, padding: 4 }).length, 1);
  }
});

Deno.test("imageBatch: crops cover every offset evenly and half of the images are flipped", async () => {
  const gpu = await testGpu();
  const [count, padding] = [1200, 4];
  const bytes = noise(count);
  const store = storeOf(gpu, { bytes, labels: labelsOf(count), size: SIZE });
  const { x } = await batchOf(gpu, store, { batch: count, padding, flips: true, epoch: 3 });
  const seen = new Map<string, number>();
  const found = bytesOf(x);
  let flipped = 0;
  let flippedLow = 0;
  for (let at = 0; at < count; at++) {
    const [first, last] = [at * PIXELS, (at + 1) * PIXELS];
    const padded = reflectPad(bytes.subarray(first, last), { size: SIZE, padding });
    const crops = cropsThatFit(padded, { found: found.slice(first, last), size: SIZE, padding });
    assert.equal(crops.length, 1, `image ${at}: wanted 1 crop that fits, found ${crops.length}`);
    for (const { dy, dx, flip } of crops) {
      seen.set(`${dy},${dx}`, (seen.get(`${dy},${dx}`) ?? 0) + 1);
      if (flip) flipped++;
      if (flip && dx < padding) flippedLow++;
    }
  }
  assert.equal(seen.size, 81);
  assert.ok(Math.max(...seen.values()) < 34);
  assert.ok(flipped > 510 && flipped < 690, `flipped: wanted about 600, found ${flipped}`);
  assert.ok(flippedLow > 190 && flippedLow < 343, `flipped and left: found ${flippedLow}`);
});

Deno.test("imageBatch: flips without a crop mirror the image", async () => {
  const gpu = await testGpu();
  const bytes = noise(20);
  const store = storeOf(gpu, { bytes, labels: labelsOf(20), size: SIZE });
  const { x } = await batchOf(gpu, store, { batch: 20, flips: true });
  const found = bytesOf(x);
  const flips = Array.from({ length: 20 }, (_, at) => {
    const [first, last] = [at * PIXELS, (at + 1) * PIXELS];
    return cropsThatFit(bytes.subarray(first, last), {
      found: found.slice(first, last),
      size: SIZE,
      padding: 0,
    }).map(({ flip }) => flip);
  });
  assert.ok(flips.every((fits) => fits.length === 1));
  assert.equal(new Set(flips.flat()).size, 2);
});

Deno.test("imageBatch: shards give what one store gives", async () => {
  const gpu = await testGpu();
  const [bytes, labels] = [noise(11), labelsOf(11)];
  const request = {
    batch: 9,
    padding: 4,
    flips: true,
    start: 4,
    order: [9, 3, 0, 10, 5, 4, 8, 1, 7, 2, 6],
  };
  const whole = await batchOf(gpu, storeOf(gpu, { bytes, labels, size: SIZE }), request);
  const store = storeOf(gpu, { bytes, labels, size: SIZE, firsts: [0, 1, 5] });
  assert.deepEqual(await batchOf(gpu, store, request), whole);
});

Deno.test("imageBatch: runs on across the end of the order", async () => {
  const gpu = await testGpu();
  const [bytes, labels] = [noise(5), [10, 11, 12, 13, 14]];
  const store = storeOf(gpu, { bytes, labels, size: SIZE });
  const order = [4, 2, 0, 1, 3];
  const all = await batchOf(gpu, store, { batch: 5, order });
  const { x, labels: chosen } = await batchOf(gpu, store, { batch: 7, order, start: 23 });
  assert.deepEqual(chosen, [11, 13, 14, 12, 10, 11, 13]);
  const wanted = [3, 4, 0, 1, 2, 3, 4].flatMap((at) => [
    ...all.x.subarray(at * PIXELS, (at + 1) * PIXELS),
  ]);
  assert.deepEqual([...x], wanted);
});

Deno.test("imageBatch: seed, epoch and image alone decide the crop", async () => {
  const gpu = await testGpu();
  const [bytes, labels] = [noise(40), labelsOf(40)];
  const store = storeOf(gpu, { bytes, labels, size: SIZE });
  const augmented = { padding: 4, flips: true };
  const make = (request: { epoch?: number; seed?: number }) =>
    batchOf(gpu, store, { batch: 40, ...augmented, ...request });
  const { x } = await make({ epoch: 2, seed: 7 });
  assert.deepEqual((await make({ epoch: 2, seed: 7 })).x, x);
  assert.notDeepEqual((await make({ epoch: 3, seed: 7 })).x, x);
  assert.notDeepEqual((await make({ epoch: 2, seed: 8 })).x, x);
  const order = Array.from({ length: 40 }, (_, at) => 39 - at);
  const later = { batch: 1, start: 4, order, epoch: 2, seed: 7, ...augmented };
  const moved = await batchOf(gpu, store, later);
  assert.deepEqual([...moved.x], [...x.subarray(35 * PIXELS, 36 * PIXELS)]);
});

Deno.test("imageBatch: refuses to reflect more than the image", async () => {
  const gpu = await testGpu();
  const store = storeOf(gpu, { bytes: noise(1), labels: [0], size: SIZE });
  for (const padding of [10, -1]) {
    await assert.rejects(batchOf(gpu, store, { batch: 1, padding }), {
      name: "RangeError",
      message: `Cannot pad images by reflection: the padding must be 0 to 9, found ${padding}`,
    });
  }
});
