import assert from "node:assert/strict";
import { Kernel } from "../../lib/gpu/kernel.ts";
import { StepValues } from "../../lib/gpu/step_values.ts";
import { augment } from "../../lib/ops/augment.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { randomStream } from "../support/random.ts";

const SIZE = 5;
const PLANE = SIZE * SIZE;
const BATCH = 40;
const MEAN = [123.675, 116.28, 103.53] as const;
const STD = [58.395, 57.12, 57.375] as const;

/** fb.resnet.torch's colour axes: what each is worth, and its red, green and blue. */
const AXES = [
  { value: 0.2175, axis: [-0.5675, -0.5808, -0.5836] },
  { value: 0.0188, axis: [0.7192, -0.0045, -0.6948] },
  { value: 0.0045, axis: [0.4009, -0.8140, 0.4203] },
];

function mix(x: number): number {
  for (let round = 0; round < 2; round++) x = Math.imul(x ^ (x >>> 16), 0x45d9f3b) >>> 0;
  return (x ^ (x >>> 16)) >>> 0;
}

/** The numbers that an image draws. */
class Numbers {
  readonly key: number;
  constructor(seed: number, epoch: number, image: number) {
    const inner = mix((mix((seed + 0x9e3779b9) >>> 0) ^ epoch) >>> 0);
    this.key = mix((((inner + 0x9e3779b9) >>> 0) ^ image) >>> 0);
  }
  uniform(k: number): number {
    return ((mix((this.key + Math.imul(k + 1, 0x9e3779b9)) >>> 0) >>> 9) + 0.5) / 2 ** 23;
  }
  normal(k: number): number {
    return Math.sqrt(-2 * Math.log(this.uniform(k))) * Math.cos(2 * Math.PI * this.uniform(k + 1));
  }
  factor(kind: number): number {
    return 1 + 0.4 * (2 * this.uniform(kind) - 1);
  }
  get order(): readonly number[] {
    const orders = [[0, 1, 2], [0, 2, 1], [1, 2, 0], [1, 0, 2], [2, 0, 1], [2, 1, 0]];
    return orders[mix(this.key) % 6] ?? [];
  }
}

type Pixel = readonly number[];

const grey = ([r = NaN, g = NaN, b = NaN]: Pixel) => 0.299 * r + 0.587 * g + 0.114 * b;

/** fb.resnet.torch's `ColorJitter` and `Lighting`, transform by transform over the whole image. */
function reference(
  image: readonly Pixel[],
  { numbers, lighting }: { numbers: Numbers; lighting: number },
): Pixel[] {
  let pixels = image.map((pixel) => [...pixel]);
  for (const kind of numbers.order) {
    const a = numbers.factor(kind);
    const mean = pixels.reduce((sum, pixel) => sum + grey(pixel), 0) / pixels.length;
    pixels = pixels.map((pixel) => {
      const other = [0, mean, grey(pixel)][kind] ?? NaN;
      return pixel.map((value) => a * value + (1 - a) * other);
    });
  }
  const alphas = [3, 5, 7].map((k) => lighting * numbers.normal(k));
  return pixels.map((pixel) =>
    pixel.map((value, channel) =>
      AXES.reduce(
        (sum, { value, axis }, at) => sum + (axis[channel] ?? NaN) * (alphas[at] ?? NaN) * value,
        value,
      )
    )
  );
}

const next = randomStream(11);
const BYTES = Uint8Array.from({ length: BATCH * 3 * PLANE }, () => 256 * next());
const INDICES = Array.from({ length: BATCH }, (_, at) => at * 31 + 5);

async function run(
  { seed = 3, epoch = 2, indices = INDICES, lighting = 0.1 } = {},
): Promise<Float32Array> {
  const gpu = await testGpu();
  using values = new StepValues(gpu, ["other", "epoch"]);
  values.setInteger("epoch", epoch);
  values.upload();
  const words = new Uint32Array(BYTES.buffer);
  const x = augment(gpu.tensor(words, [words.length], { dtype: "u32" }), {
    batch: BATCH,
    size: SIZE,
    indices: gpu.tensor(indices, [BATCH], { dtype: "u32" }),
    epoch: values.at("epoch"),
    seed,
    mean: MEAN,
    std: STD,
    lighting,
  });
  assert.deepEqual(x.shape, [BATCH, SIZE, SIZE, 3]);
  return await x.read();
}

/** How far the driver's cosine of an angle below a whole turn is off: by 2^-11 at most, as WGSL has it. */
async function cosineError(): Promise<number> {
  const gpu = await testGpu();
  const turns = Array.from({ length: 4096 }, (_, at) => (at + 0.5) / 4096);
  const x = gpu.tensor(turns, [turns.length]);
  const y = gpu.zeros([turns.length]);
  const source = `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64)
fn run(@builtin(global_invocation_id) id: vec3u) { y[id.x] = cos(6.283185307179586 * x[id.x]); }`;
  new Kernel("cosine", source).dispatch("run", { read: [x], write: [y], grid: [64] });
  const found = await y.read();
  return Math.max(
    ...turns.map((turn, at) => Math.abs((found[at] ?? NaN) - Math.cos(2 * Math.PI * turn))),
  );
}

Deno.test("augment: jitter and lighting are fb.resnet.torch's", async () => {
  const off = await cosineError();
  assert.ok(off <= 2 ** -11, `a cosine is off by ${off}`);
  // Lighting is faint, so that strong lighting shows what faint lighting would hide in rounding.
  for (const lighting of [0.1, 10]) {
    const found = await run({ lighting });
    const orders = new Set<string>();
    const wanted = INDICES.flatMap((index, n) => {
      const numbers = new Numbers(3, 2, index);
      orders.add(numbers.order.join());
      const image = Array.from(
        { length: PLANE },
        (_, p) => [0, 1, 2].map((c) => (BYTES[(3 * n + c) * PLANE + p] ?? NaN) / 255),
      );
      return reference(image, { numbers, lighting }).flatMap((pixel) =>
        pixel.map((value, c) => (255 * value - (MEAN[c] ?? NaN)) / (STD[c] ?? NaN))
      );
    });
    assert.equal(orders.size, 6);
    // A cosine comes times the lighting, a root of about 3 at most, and the axes, 0.63 of a pixel's deviation.
    assertClose(found, wanted, { atol: 2e-5 + 2 * lighting * off, rtol: 1e-5, what: "x" });
  }
});

Deno.test("augment: seed, epoch and image alone decide", async () => {
  const plain = await run();
  assert.deepEqual(await run(), plain);
  assert.notDeepEqual(await run({ seed: 4 }), plain);
  assert.notDeepEqual(await run({ epoch: 3 }), plain);
  const moved = await run({
    indices: [...INDICES].map((index, at) => at === 7 ? index : index + 1),
  });
  const image = (x: Float32Array, n: number) => x.subarray(n * 3 * PLANE, (n + 1) * 3 * PLANE);
  assert.deepEqual(image(moved, 7), image(plain, 7));
  assert.notDeepEqual(image(moved, 8), image(plain, 8));
});

Deno.test("augment: numbers are spread as they should be", () => {
  const draws = Array.from({ length: 4000 }, (_, at) => new Numbers(1, 1, at));
  for (const kind of [0, 1, 2]) {
    const mean = draws.reduce((sum, numbers) => sum + numbers.factor(kind), 0) / draws.length;
    assert.ok(Math.abs(mean - 1) < 0.012, `factor ${kind}: found a mean of ${mean}`);
  }
  for (const k of [3, 5, 7]) {
    const squares = draws.reduce((sum, numbers) => sum + numbers.normal(k) ** 2, 0) / draws.length;
    assert.ok(Math.abs(squares - 1) < 0.08, `normal ${k}: found a variance of ${squares}`);
  }
});
