import assert from "node:assert/strict";
import { gradients } from "../../lib/gradients.ts";
import { Kernel } from "../../lib/gpu/kernel.ts";
import { planMemory } from "../../lib/gpu/plan.ts";
import { Program } from "../../lib/gpu/program.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { findTexels } from "../../lib/gpu/texel_plan.ts";
import { texelBindings, withTexels } from "../../lib/gpu/texels.ts";
import { timeOnGpu } from "../../lib/gpu/timer.ts";
import { add } from "../../lib/ops/add.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { sum } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { dispatchOf } from "../support/dispatches.ts";
import { cardGpu, softwareGpu, testGpu } from "../support/gpu.ts";
import { entriesOf, kernelFiles } from "../support/kernel_files.ts";
import { randomValues } from "../support/random.ts";
import { testIn } from "../support/test_in.ts";

Deno.test("withTexels: loads become calls, in indices too; fields and longer names do not", () => {
  const kernel = new Kernel(
    "k",
    `alias real = f32;
@group(0) @binding(0) var<storage, read> x: array<vec4<real>>; // numbers
@group(0) @binding(2) var<storage, read> rows: array<vec4f>;
@group(0) @binding(1) var<storage, read> at: array<u32>;
fn load(i: u32) -> vec4f { return vec4f(x[u32(rows[at[i]].x) + 1]) + m.x[0] + max_x[i]; }
@compute @workgroup_size(64)
fn forward() { y[0] = load(0); }
@compute @workgroup_size(64)
fn other() { y[0] = rows[3]; }`,
  );
  assert.deepEqual(texelBindings(kernel, "forward"), [0, 2]);
  assert.deepEqual(texelBindings(kernel, "other"), [2]);
  const { source } = withTexels(kernel, [0, 2]);
  assert.ok(source.includes("vec4f(x_texel(u32(rows_texel(at[i]).x) + 1)) + m.x[0] + max_x[i]"));
  assert.ok(source.includes("@binding(2) var rows: texture_storage_2d<rgba32float, read>;"));
  assert.ok(source.includes("var<storage, read> at: array<u32>;"));
  assert.ok(withTexels(kernel, [2]).source.includes("x[u32(rows_texel("));
  assert.equal(withTexels(kernel, [0, 2]), withTexels(kernel, [0, 2]));
  assert.ok(withTexels(kernel, []).source.startsWith(kernel.source));
});

Deno.test("withTexels: no kernel indexes something else by the name of a binding", async () => {
  let functions = 0;
  for await (const { name, source } of kernelFiles()) {
    const names = [...source.matchAll(/var<storage, read> (\w+): array<vec4/g)].map(([, at]) => at);
    for (const [text] of source.matchAll(/^fn (?:[^\n]*\}$|.*?^\})/gms)) {
      functions++;
      for (const own of names) {
        const isLocal = new RegExp(`(?:(?:let|var) |[(,]\\s*)${own}\\b\\s*[:=]`).test(text);
        const isIndexed = new RegExp(`(?<![.\\w])${own}\\[`).test(text);
        assert.ok(!(isLocal && isIndexed), `${name}: ${own} in ${text.slice(0, 40)}`);
      }
    }
  }
  assert.ok(functions > 100);
});

Deno.test("texelBindings: no entry point of a kernel names two tensors of one binding", async () => {
  let entries = 0;
  for await (const kernel of kernelFiles()) {
    const { name, source } = kernel;
    // Each tensor by itself, so that what is found says which one an entry point names.
    const tensors = [
      ...source.matchAll(/@binding\((\d+)\) var<storage, \w+> (\w+): array<[^;]*;/g),
    ];
    for (const entry of entriesOf(kernel)) {
      const named = tensors.flatMap(([, at, own]) => {
        const declared = `@group(0) @binding(${at}) var<storage, read> ${own}: array<vec4f>;`;
        const alone = tensors.reduce((text, [other]) => text.replace(other, ""), source);
        return texelBindings(new Kernel(name, `${declared}\n${alone}`), entry);
      });
      entries++;
      assert.equal(
        new Set(named).size,
        named.length,
        `${name}: ${entry} names ${named.toSorted()}`,
      );
    }
  }
  assert.ok(entries > 80);
});

Deno.test("findTexels: copies once until the tensor is written again", async () => {
  const gpu = await testGpu();
  const make = (size: number) => gpu.intermediate([size], { label: `${size}` });
  const [x, large, small] = [gpu.zeros([1024]), make(65536), make(1024)];
  const end = gpu.zeros([1024]);
  const scaleOf = (read: Tensor, write: Tensor) => ({
    ...dispatchOf("", { read: [read], write: [write] }),
    kernel: COPY,
    entry: "forward",
  });
  const COPY = new Kernel(
    "copy",
    "alias real = f32;\n@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;\nfn forward() { _ = x[0]; }",
  );
  const dispatches = [
    scaleOf(x, large),
    scaleOf(x, small),
    scaleOf(end, x),
    scaleOf(large, end),
    scaleOf(small, end),
    scaleOf(x, end),
    scaleOf(x, end),
  ];
  const { spans, reads } = findTexels(dispatches, { mostRows: 8192 });
  assert.deepEqual(
    spans.map(({ storage, first, last }) => [storage.label, first, last]),
    [
      ["zeros", 0, 1], // from before the program: when it is read
      ["zeros", 2, 2],
      ["65536", 3, 3], // large: when it is read
      ["1024", 2, 4], // small: when it is written
      ["zeros", 3, 6], // small, and written since: once for two readers
    ],
  );
  assert.deepEqual(reads.map((read) => read.get(0)), [0, 0, 1, 2, 3, 4, 4]);
  const few = findTexels(dispatches, { mostRows: 1 });
  assert.deepEqual(few.reads[3]?.size, 0, "more rows than a texture has");
  const plan = planMemory(dispatches, new Set(), { texelRows: 8192 });
  const large3 = plan.buffers.flatMap(({ tenants }) => tenants)
    .find(({ storage }) => storage === large.storage);
  assert.deepEqual([large3?.first, large3?.last], [0, 2], "its buffer is free once it is copied");
});

for (const dtype of ["f32", "f16"] as const) {
  testIn(dtype, `Program: reads through textures, to the same bits, ${dtype}`, async () => {
    const gpu = await testGpu();
    const shape = [3, 50, 40, 9];
    const x = gpu.tensor(randomValues(3 * 50 * 40 * 9, { seed: 1 }), shape, { dtype });
    const build = () => {
      const twice = scale(x, 2);
      const y = add(relu(add(twice, x)), scale(twice, -3));
      return [y, sum(y, { keep: "channels" }), sum(relu(y), { keep: "none" })];
    };
    const found = [];
    for (const texels of [true, false]) {
      using program = await Program.record(gpu, { label: "texels", build, texels, fusion: false });
      assert.equal(program.plan.textures.length > 0, texels);
      program.run();
      found.push(await gpu.read(program.outputs));
    }
    assert.deepEqual(found[0], found[1]);
  });
}

Deno.test("withTexels: sizes are variables that each entry point fills first, other overrides stay", () => {
  const source = `alias real = f32;
override count: u32; // in all
override quads: u32 = 1;
override lanes: u32 = 64;
@group(0) @binding(0) var<storage, read> x: array<vec4<real>>;
@compute @workgroup_size(lanes)
fn forward(
  @builtin(workgroup_id) group: vec3u,
) {
  y[0] = x[count + quads];
}`;
  const { source: found } = withTexels(new Kernel("k", source, ["quads", "count"]), [0]);
  assert.ok(found.includes("var<private> count: u32; // in all\nvar<private> quads: u32;\n"));
  assert.ok(found.includes("override lanes: u32 = 64;"));
  assert.ok(found.includes("group: vec3u,\n) { quads = numbers[2][0]; count = numbers[2][1];\n"));
});

Deno.test("Gpu.createTexture: the rows that are asked for, one more where they are a power of two", async () => {
  const gpu = await testGpu();
  for (const [rows, height] of [[1, 3], [2, 3], [3, 3], [4, 5], [6, 6], [1024, 1025]] as const) {
    const texture = gpu.createTexture("texels", { dtype: "f32", rows });
    assert.equal(texture.height, height);
    texture.destroy();
  }
});

Deno.test("Program: shapes share pipelines where sizes come from a buffer, to the same bits", async () => {
  const gpu = await softwareGpu();
  const labels: string[] = [];
  const create = gpu.device.createComputePipeline.bind(gpu.device);
  gpu.device.createComputePipeline = (descriptor) => {
    labels.push(descriptor.label ?? "");
    return create(descriptor);
  };
  const convolve = (side: number, channels: number) => {
    const shape = [2, side, side, channels];
    const x = watch(gpu.tensor(randomValues(2 * side ** 2 * channels, { seed: 1 }), shape));
    const w = gpu.tensor(randomValues(9 * channels ** 2, { seed: 2 }), [3, 3, channels, channels], {
      layout: "weights",
    });
    w.requiresGrad = true;
    return () => {
      const y = conv2d(x, w, { stride: 1, padding: 1 });
      return [y, ...gradients(y, [x, w], { upstream: y })];
    };
  };
  const builds = [convolve(8, 32), convolve(11, 20)];
  const found = [];
  const made = [];
  for (const texels of [true, false]) {
    labels.length = 0;
    using program = await Program.record(gpu, {
      label: "sizes",
      build: () => builds.flatMap((build) => build()),
      texels,
    });
    program.run();
    found.push(await gpu.read(program.outputs));
    made.push(labels.filter((label) => label.startsWith("conv2d/rows")).length);
  }
  assert.deepEqual(found[0], found[1]);
  assert.deepEqual(made, [3, 6], "forward, input and weight gradient");
});

Deno.test("Program: on a card nothing is read through textures, and there is one pass", async () => {
  using gpu = await cardGpu();
  const x = gpu.tensor(randomValues(65536, { seed: 1 }), [65536]);
  using program = await Program.record(gpu, { label: "card", build: () => relu(scale(x, 2)) });
  assert.deepEqual(program.plan.textures, []);
  let passes = 0;
  const { device } = gpu;
  const create = device.createCommandEncoder.bind(device);
  device.createCommandEncoder = (descriptor) => {
    const encoder = create(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => (passes++, begin(options));
    return encoder;
  };
  program.run();
  await program.outputs.read();
  assert.equal(passes, 1);
});

Deno.test("timeOnGpu: times a program that copies between its passes", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor(randomValues(2 ** 18, { seed: 1 }), [2 ** 18]);
  const build = () => relu(scale(relu(scale(x, 2)), 3));
  using program = await Program.record(gpu, { label: "timed", build, texels: true, fusion: false });
  const [whole = []] = await timeOnGpu(gpu, [program], { samples: 3, seconds: 0 });
  const [last = []] = await timeOnGpu(gpu, program.parts.slice(-1), { samples: 3, seconds: 0 });
  assert.ok(Math.min(...whole) > Math.min(...last), `${whole} of four, ${last} of the last`);
});
