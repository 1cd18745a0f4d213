import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { DISTANCES } from "../../lib/losses/distance.ts";
import { gradientTerm } from "../../lib/losses/gradient_terms.ts";
import { imageGradient } from "../../lib/losses/image_gradient.ts";
import { Objective } from "../../lib/losses/objective.ts";
import { crossEntropyTerm } from "../../lib/losses/terms.ts";
import type { Model } from "../../lib/models/model.ts";
import { wideResNet } from "../../lib/models/wide_resnet.ts";
import { groupWidths } from "../../lib/models/wide_resnet_sizes.ts";
import { watch } from "../../lib/tape.ts";
import type { ImageFeed } from "../../lib/train/feed.ts";
import { Trainer } from "../../lib/train/trainer.ts";
import { floats, readSafetensors } from "../../lib/weights/safetensors.ts";
import { assertClose } from "../support/assert_close.ts";
import { assertLargest } from "../support/assert_largest.ts";
import { testGpu } from "../support/gpu.ts";
import { Oracle } from "../support/oracle.ts";

const FOLDER = new URL("../oracle/gradat/", import.meta.url).pathname;
const RTOL = 1e-4;

const inputs = await Oracle.open("gradat/inputs.safetensors");
const { beta, runs, ...recipe } = JSON.parse(await Deno.readTextFile(`${FOLDER}gradat.json`));
/** How the distances are called there. */
const RUNS = { batch: "norm_batch", sample: "norm_per_sample_mean", square: "sq_batch" } as const;

async function networkOf(who: "student" | "teacher"): Promise<Model> {
  const model = wideResNet(await testGpu(), {
    depth: 10,
    widths: groupWidths(1),
    classes: 10,
    seed: 0,
  });
  const path = `${FOLDER}inputs.safetensors`;
  const own = [...(await readSafetensors(path)).tensors]
    .filter(([name]) => name.startsWith(`${who}.`))
    .map(([name, tensor]) => [name.slice(who.length + 1), tensor] as const);
  model.parameters.load(new Map(own), { from: path });
  return model;
}

/** The four images, each step. */
async function fixedFeed(): Promise<ImageFeed> {
  const gpu = await testGpu();
  const x = inputs.tensor(gpu, "x");
  const labels = inputs.labelTensor(gpu, "labels");
  return {
    batching: { count: 4, batchSize: 4, shuffle: false },
    mostInFlight: Infinity,
    waitedSeconds: 0,
    record: () => ({ x, labels }),
    beginEpoch: () => {},
    load: () => Promise.resolve(4),
    [Symbol.dispose]: () => {},
  };
}

/** Reads tensors that lie as the network's parameters do in PyTorch's order, by their names. */
async function named(model: Model, values: readonly Float32Array[]) {
  const { trainable } = model.parameters;
  const before = await model.parameters.gpu.read(trainable);
  trainable.forEach((tensor, at) => tensor.write(values[at] ?? new Float32Array()));
  const saved = await model.parameters.save();
  trainable.forEach((tensor, at) => tensor.write(before[at] ?? new Float32Array()));
  return saved;
}

for (const mode of ["eval", "train"] as const) {
  const training = mode === "train";
  for (const kind of DISTANCES) {
    const run = `bn_${mode}.${RUNS[kind]}`;
    const terms = [
      crossEntropyTerm({ weight: 1 }),
      gradientTerm({ weight: beta[RUNS[kind]], distance: kind }),
    ];

    Deno.test(`gradient transfer: J, losses and gradients of ${run} are PyTorch's`, async () => {
      const gpu = await testGpu();
      using student = await networkOf("student");
      using teacher = await networkOf("teacher");
      const oracle = await Oracle.open(`gradat/${run}.safetensors`);
      const images = watch(inputs.tensor(gpu, "x"));
      const labels = inputs.labelTensor(gpu, "labels");
      const apply = (x: typeof images) => student.apply(x, { training, momentum: 0 });
      const learning = apply(images);
      const taught = teacher.apply(images, { training, momentum: 0 });
      using objective = new Objective(gpu, terms);
      const found = objective.compute({
        images,
        labels,
        student: learning,
        teacher: taught,
        apply,
      });
      const values = await gpu.read(gradients(found.total, student.parameters.trainable));
      const [[loss = NaN] = []] = await gpu.read([found.total]);
      assertClose([loss], [runs[run].steps[0].loss], { rtol: RTOL, what: "loss" });
      const [[half = NaN] = []] = await gpu.read(found.terms.get("gradient") ?? []);
      assertClose([2 * half], [runs[run].steps[0].distance], { rtol: RTOL, what: "distance" });
      for (const [name, tensor] of await named(student, values)) {
        if (name.includes("running")) continue;
        const wanted = oracle.raw(`grad.step0.${name}`);
        assertLargest(floats(tensor, "compare"), wanted, { rtol: RTOL, what: name });
      }
      if (!oracle.has("J_S")) return;
      for (const [name, activations] of [["J_S", learning], ["J_T", taught]] as const) {
        const j = imageGradient(activations, { images, labels, differentiable: name === "J_S" });
        assertLargest(await j.read(), oracle.values(name), { rtol: RTOL, what: name });
      }
    });

    Deno.test(`gradient transfer: three steps of ${run} are PyTorch's`, async () => {
      using student = await networkOf("student");
      using teacher = await networkOf("teacher");
      const normalises = training ? "batch" : "running";
      using trainer = new Trainer(student, {
        feed: await fixedFeed(),
        objective: terms,
        teacher,
        statistics: { student: normalises, teacher: normalises },
        momentum: recipe.momentum,
        weightDecay: recipe.weight_decay,
        nesterov: false,
      });
      trainer.beginEpoch(1, { rate: recipe.lr });
      for (let step = 0; step < 3; step++) await trainer.submit(step);
      const steps = await trainer.take();
      const wanted: readonly { loss: number; ce: number; distance: number }[] = runs[run].steps;
      const of = (name: string) => steps.map(({ losses }) => losses[name]?.[0] ?? NaN);
      assertClose(steps.map(({ loss }) => loss), wanted.map(({ loss }) => loss), { rtol: RTOL });
      assertClose(of("cross_entropy"), wanted.map(({ ce }) => ce), { rtol: RTOL });
      assertClose(of("gradient"), wanted.map(({ distance }) => distance / 2), { rtol: RTOL });
      const oracle = await Oracle.open(`gradat/${run}.safetensors`);
      const finals = oracle.names.filter((name) => name.startsWith("final."));
      assert.equal(finals.length > 0, kind === "batch");
      const saved = await student.parameters.save();
      for (const name of finals.filter((name) => !name.includes("running"))) {
        const tensor = saved.get(name.slice("final.".length));
        assert.ok(tensor !== undefined, name);
        assertLargest(floats(tensor, "compare"), oracle.raw(name), { rtol: RTOL, what: name });
      }
    });
  }
}
