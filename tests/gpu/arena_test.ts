import assert from "node:assert/strict";
import { createArena, gather } from "../../lib/gpu/arena.ts";
import { Program } from "../../lib/gpu/program.ts";
import { scale } from "../../lib/ops/scale.ts";
import { testGpu } from "../support/gpu.ts";

const ENTRIES = [
  { label: "w", shape: [1, 1, 3, 5], layout: "weights" },
  { label: "b", shape: [5], layout: "channels" },
  { label: "s", shape: [], layout: "channels" },
] as const;

Deno.test("createArena: tensors lie 256 bytes aligned in one buffer of zeros", async () => {
  const gpu = await testGpu();
  const { whole, tensors } = createArena(gpu, { label: "parameters", entries: ENTRIES });
  assert.deepEqual(tensors.map(({ label }) => label), ["w", "b", "s"]);
  assert.deepEqual(tensors.map(({ storage }) => storage.range.offset), [0, 256, 512]);
  assert.deepEqual(tensors.map(({ layout }) => layout), ["weights", "channels", "channels"]);
  assert.deepEqual(whole.shape, [192]);
  assert.ok((await whole.read()).every((value) => value === 0));
});

Deno.test("createArena: a write to one tensor leaves the others", async () => {
  const gpu = await testGpu();
  const { whole, tensors: [w, b, s] } = createArena(gpu, { label: "a", entries: ENTRIES });
  b?.write(new Float32Array([1, 2, 3, 4, 5]));
  s?.write(new Float32Array([6]));
  const values = await whole.read();
  assert.deepEqual([...values.subarray(64, 72)], [1, 2, 3, 4, 5, 0, 0, 0]);
  assert.deepEqual([...values.subarray(128, 132)], [6, 0, 0, 0]);
  assert.ok((await w?.read() ?? []).every((value) => value === 0));
  assert.deepEqual([...await b?.read() ?? []], [1, 2, 3, 4, 5]);
});

Deno.test("createArena: an arena without entries has a buffer", async () => {
  const gpu = await testGpu();
  assert.deepEqual(createArena(gpu, { label: "empty", entries: [] }).whole.shape, [64]);
});

Deno.test("gather: lays intermediate tensors out as an arena", async () => {
  const gpu = await testGpu();
  const w = gpu.tensor(Array.from({ length: 15 }, (_, at) => at + 1), [1, 1, 3, 5], {
    layout: "weights",
  });
  const [b, s] = [gpu.tensor([1, 2, 3, 4, 5], [5]), gpu.tensor([7], [])];
  using program = await Program.record(gpu, {
    label: "gathered",
    build: () => {
      const parts = [scale(w, 10), scale(b, 10), scale(s, 10)];
      return { whole: gather(parts, { label: "all" }), parts };
    },
  });
  program.run();
  const { whole, parts } = program.outputs;
  const arena = createArena(gpu, { label: "arena", entries: ENTRIES });
  assert.deepEqual(whole?.shape, arena.whole.shape);
  assert.deepEqual(
    parts.map(({ storage }) => storage.range.offset),
    arena.tensors.map(({ storage }) => storage.range.offset),
  );
  const values = await whole?.read() ?? new Float32Array();
  assert.deepEqual([...values.subarray(8, 13)], [60, 70, 80, 90, 100]);
  assert.deepEqual([...values.subarray(64, 72)], [10, 20, 30, 40, 50, 0, 0, 0]);
  assert.deepEqual([...values.subarray(128, 132)], [70, 0, 0, 0]);
  assert.deepEqual([...await parts[1]?.read() ?? []], [10, 20, 30, 40, 50]);
});

Deno.test("gather: null where a tensor has a place, appears twice, or there is none", async () => {
  const gpu = await testGpu();
  const x = gpu.tensor([1, 2], [2]);
  assert.equal(gather([], { label: "none" }), null);
  assert.equal(gather([scale(x, 2)], { label: "eager" }), null);
  gpu.record(() => {
    const [a, b] = [scale(x, 2), scale(x, 3)];
    assert.equal(gather([a, x], { label: "with an input" }), null);
    assert.equal(gather([a, a], { label: "twice" }), null);
    assert.notEqual(gather([a], { label: "first" }), null);
    assert.equal(gather([a, b], { label: "gathered before" }), null);
  });
});
