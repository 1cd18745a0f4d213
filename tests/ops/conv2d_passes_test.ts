import assert from "node:assert/strict";
import type { Gpu } from "../../lib/gpu/device.ts";
import type { RealType } from "../../lib/gpu/dtype.ts";
import { comparedVariants, fastestVariant, imagesOfTrial } from "../../lib/gpu/trial.ts";
import { type Question, questionKey } from "../../lib/gpu/tuning.ts";
import { gradients } from "../../lib/gradients.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { cardGpu, posingGpu, softwareGpu, testGpu } from "../support/gpu.ts";
import { testIn } from "../support/test_in.ts";

const SIZES = "3x3 s1 p1 [*, 6, 9, 16] -> 24 f32";
const TYPES: readonly RealType[] = ["f32", "f16"];
const PASSES = ["conv2d.forward", "conv2d.input_gradient", "conv2d.weight_gradient"];

/** Records a convolution and both of its gradients. */
function recorded(gpu: Gpu, dtype: RealType = "f32") {
  return gpu.record(() => {
    const x = watch(gpu.empty([2, 6, 9, 16], { dtype }));
    const w = watch(gpu.empty([3, 3, 16, 24], { layout: "weights" }));
    return gradients(sum(conv2d(x, w, { padding: 1 }), { keep: "none" }), [x, w]);
  }).dispatches;
}

function asked(gpu: Gpu, dtype: RealType = "f32") {
  return gpu.tuning.listen(() => recorded(gpu, dtype)).map(({ question }) => question);
}

Deno.test("conv2d: asks once a pass, plain first, and its fixed table is one of the variants", async () => {
  const questions = asked(await testGpu());
  assert.deepEqual(questions.map(({ family }) => family), PASSES.map((pass) => `${pass} ${SIZES}`));
  for (const question of questions) {
    assert.equal(question.batch, 2);
    assert.equal(question.variants[0], "plain");
    assert.ok(question.variants.length > 1 && question.variants.includes(question.fallback));
    assert.equal(question.flop, 2 * (2 * 6 * 9 * 24) * (3 * 3 * 16));
    const files = new Set(question.kernels.map(({ name }) => name));
    assert.ok(files.has("conv2d/plain") && files.size > 1);
  }
});

Deno.test("conv2d: a software adapter takes rows down to results of four pixels", async () => {
  const gpu = await testGpu();
  const fallbacks = (width: number) =>
    gpu.tuning.listen(() =>
      gpu.record(() => {
        const x = watch(gpu.empty([2, width, width, 16]));
        const w = watch(gpu.empty([3, 3, 16, 16], { layout: "weights" }));
        return gradients(sum(conv2d(x, w, { padding: 1 }), { keep: "none" }), [x, w]);
      })
    ).map(({ question: { variants, fallback } }) => variants.includes("rows") && fallback);
  if (!gpu.adapter.isSoftware || fallbacks(8).includes(false)) return;
  assert.ok(!fallbacks(4).includes("plain"));
  assert.deepEqual(fallbacks(3), ["plain", "plain", "plain"]);
});

/** Large convolutions of ResNet-18, and the first one of a network for CIFAR. */
const LARGE = [
  { x: [256, 224, 224, 3], w: [7, 7, 3, 64], stride: 2, padding: 3 },
  { x: [256, 56, 56, 64], w: [3, 3, 64, 64], stride: 1, padding: 1 },
  { x: [256, 56, 56, 64], w: [3, 3, 64, 128], stride: 2, padding: 1 },
  { x: [256, 28, 28, 128], w: [3, 3, 128, 256], stride: 2, padding: 1 },
] as const;
const FIRST = { x: [256, 32, 32, 3], w: [3, 3, 3, 16], stride: 1, padding: 1 } as const;

function askedOfAll(gpu: Gpu): Question[] {
  return [...LARGE, FIRST].flatMap(({ x, w, ...options }) =>
    gpu.tuning.listen(() =>
      gpu.record(() => {
        const of = [watch(gpu.empty(x)), watch(gpu.empty(w, { layout: "weights" }))] as const;
        gradients(sum(conv2d(...of, options), { keep: "none" }), of);
      })
    ).map(({ question }) => question)
  );
}

Deno.test("conv2d: on a card, a quick tuning leaves out what was made for software adapters", async () => {
  using card = await posingGpu({ isFallbackAdapter: false, subgroupMinSize: 32 });
  const left = new Set<string>();
  for (const { variants, quick = [], fallback } of askedOfAll(card)) {
    assert.equal(quick[0], "plain");
    assert.ok(quick.includes(fallback));
    for (const name of variants) if (!quick.includes(name)) left.add(name);
  }
  const made = card.hasSubgroups ? ["rows", "stem", "strips", "taps", "winograd"] : [];
  assert.deepEqual([...left].sort(), made);
  for (const { variants, quick } of askedOfAll(await softwareGpu())) {
    assert.deepEqual(quick, variants);
  }
});

Deno.test("conv2d: on a card, a made-up call is cut up as a whole batch, but for the pixels of a part", async () => {
  using gpu = await cardGpu();
  const large = askedOfAll(gpu).filter((question) => imagesOfTrial(question) < question.batch);
  assert.equal(large.length, 3 * LARGE.length);
  for (const question of large) {
    for (const variant of comparedVariants(question, "quick")) {
      const cutUp = (batch: number) =>
        gpu.record(() => question.trial(batch).run(variant)).dispatches.map((dispatch) => {
          const { batch: _, chunk: _c, images: _i, ...constants } = dispatch.constants;
          return { entry: dispatch.entry, constants };
        });
      const found = cutUp(imagesOfTrial(question));
      assert.deepEqual(found, cutUp(question.batch), `${question.family} ${variant}`);
    }
  }
});

Deno.test("conv2d: runs the variants that it is told to", async () => {
  const gpu = await testGpu();
  const questions = asked(gpu);
  for (const pass of PASSES) {
    const variants = Object.fromEntries(
      questions.map(({ family, variants }) => [
        family,
        family.startsWith(`${pass} `) ? "plain" : variants.at(-1) ?? "none",
      ]),
    );
    const arePlain = gpu.tuning.with(variants, () => recorded(gpu))
      .filter(({ kernel }) => kernel.name.startsWith("conv2d/"))
      .map(({ kernel }) => kernel.name === "conv2d/plain");
    assert.deepEqual(arePlain, PASSES.map((name) => name === pass));
  }
});

for (const dtype of TYPES) {
  testIn(
    dtype,
    `conv2d: its variants can be tried out in ${dtype}, each pass, and none is wrong`,
    async () => {
      const gpu = await testGpu();
      const before = gpu.bufferCount;
      for (const question of asked(gpu, dtype)) {
        assert.equal(question.family.split(" ").at(-1), dtype);
        const notes: string[] = [];
        const works: number[] = [];
        const variant = await fastestVariant(gpu, question, {
          effort: "full",
          batch: 1,
          onNote: (note) => void notes.push(note),
          time: (_gpu, timed) => {
            works.push(timed.length);
            return Promise.resolve(timed.map((_, at) => [1 / (1 + at)]));
          },
        });
        assert.deepEqual(notes, [], questionKey(question));
        assert.deepEqual(works, [question.variants.length]);
        assert.equal(variant, question.variants.at(-1));
      }
      assert.equal(gpu.bufferCount, before);
    },
  );
}
