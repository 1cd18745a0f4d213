/**
 * Compiles every kernel of a convolution, one shape and type after the other, and compares what each computes with the
 * plain kernel's: a step of `deno task card`. Prints a line a shape, pass and type, with the seconds to each kernel's
 * first result, since some drivers compile only then; at the end what there is in all. Exits with 1 where a kernel is
 * wrong. With `--few` it takes one shape and one image.
 *
 * @module
 */
import { Gpu, Program, type RealType } from "../../../mod.ts";
import {
  forwardPass,
  inputGradientPass,
  type Pass,
  questionOf,
  weightGradientPass,
} from "../../../lib/ops/conv2d/passes.ts";
import { Draws } from "../../../lib/random.ts";
import { messageOf } from "../../../lib/weights/message_of.ts";
import { type Convolution, outputSide } from "../convolutions.ts";

/** Shapes that let every kernel run in one of them at least, with the images of a batch. */
const SHAPES: readonly (Convolution & { images: number })[] = [
  { kernel: 3, inputs: 16, outputs: 16, side: 32, stride: 1, padding: 1, images: 8 },
  { kernel: 7, inputs: 3, outputs: 64, side: 64, stride: 2, padding: 3, images: 2 },
  { kernel: 3, inputs: 16, outputs: 32, side: 32, stride: 2, padding: 1, images: 8 },
  { kernel: 3, inputs: 64, outputs: 64, side: 8, stride: 1, padding: 1, images: 8 },
  { kernel: 3, inputs: 3, outputs: 16, side: 32, stride: 1, padding: 1, images: 4 },
  { kernel: 1, inputs: 64, outputs: 128, side: 16, stride: 2, padding: 0, images: 4 },
  { kernel: 3, inputs: 256, outputs: 256, side: 14, stride: 1, padding: 1, images: 2 },
];
/** The largest difference from the plain kernel, as a part of the largest value, where a question sets none. */
const TOLERANCE = 1e-4;

const shapes = Deno.args.includes("--few")
  ? SHAPES.slice(0, 1).map((shape) => ({ ...shape, images: 1 }))
  : SHAPES;

using gpu = await Gpu.open();
const compiled = new Set<string>();
const wrong: string[] = [];
let [count, seconds, slowest] = [0, 0, { name: "", seconds: 0 }];

function largest(values: Float32Array): number {
  return values.reduce((most, value) => Math.abs(value) <= most ? most : Math.abs(value), 0);
}

/** Compiles and runs the kernels of one pass, and says how each was. */
async function compare<Job>(
  pass: Pass<Job>,
  { images, dtype, ...shape }: Convolution & { images: number; dtype: RealType },
): Promise<void> {
  const { kernel, inputs, outputs, side, stride, padding } = shape;
  const [from, to] = [side, outputSide(shape)];
  const { family, variants, trial, tolerance = TOLERANCE } = questionOf(gpu, {
    pass,
    dtype,
    geometry: {
      x: [images, from, from, inputs],
      w: [kernel, kernel, inputs, outputs],
      y: [images, to, to, outputs],
      stride,
      padding,
    },
  });
  const call = trial(images);
  const draws = new Draws(1);
  for (const input of call.inputs) {
    input.write(Float32Array.from({ length: input.size }, () => draws.between(-1, 1)));
  }
  let plain: Float32Array | null = null;
  const line: string[] = [];
  for (const variant of variants) {
    const name = `${pass.name} ${variant}`;
    const began = performance.now();
    try {
      const build = () => call.run(variant);
      using program = await Program.record(gpu, { label: `compile ${name}`, build });
      program.run();
      const found: Float32Array = await program.outputs.read();
      const took = (performance.now() - began) / 1e3;
      plain ??= found;
      const difference = largest(found.map((value, at) => value - (plain?.[at] ?? NaN)));
      const part = difference / largest(plain);
      const isRight = part <= tolerance;
      if (!isRight) wrong.push(`${variant} of ${family}: ${part.toPrecision(2)}`);
      line.push(`${variant} ${took.toFixed(2)} s${isRight ? "" : ` WRONG by ${part}`}`);
      compiled.add(name);
      [count, seconds] = [count + 1, seconds + took];
      if (took > slowest.seconds) slowest = { name: `${variant} of ${family}`, seconds: took };
    } catch (error) {
      wrong.push(`${variant} of ${family}: ${messageOf(error)}`);
      line.push(`${variant} FAILED: ${messageOf(error)}`);
    }
  }
  console.log(`${family} | ${line.join(" | ")}`);
}

for (const shape of shapes) {
  for (const dtype of gpu.hasHalf ? ["f32", "f16"] as const : ["f32"] as const) {
    await compare(forwardPass, { ...shape, dtype });
    await compare(inputGradientPass, { ...shape, dtype });
    await compare(weightGradientPass, { ...shape, dtype });
  }
}
const untried = [forwardPass, inputGradientPass, weightGradientPass].flatMap(
  ({ name, variants }) => variants.map((variant) => `${name} ${variant.name}`),
).filter((name) => !compiled.has(name));
console.log(
  [
    `${count} kernels in ${seconds.toFixed(1)} s, the slowest ${slowest.name} in ${
      slowest.seconds.toFixed(1)
    } s`,
    wrong.length === 0 ? "all agree with the plain kernel" : `${wrong.length} WRONG: ${wrong[0]}`,
    ...(untried.length === 0 ? [] : [`not tried: ${untried.join(", ")}`]),
  ].join("; "),
);
Deno.exit(wrong.length === 0 ? 0 : 1);
