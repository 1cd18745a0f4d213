import assert from "node:assert/strict";
import { gather } from "../../lib/gpu/arena.ts";
import { writeInPlace } from "../../lib/gpu/in_place.ts";
import { bytesMoved, type Dispatch, isInPlace } from "../../lib/gpu/kernel.ts";
import { planMemory } from "../../lib/gpu/plan.ts";
import type { Storage } from "../../lib/gpu/storage.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";

const FIRST = { fusion: { inPlace: 0 } };

async function operands() {
  const gpu = await testGpu();
  const make = (label: string) => intermediate(gpu, { label });
  const x = gpu.zeros([4], { label: "x" });
  return { gpu, x, a: make("a"), b: make("b"), c: make("c"), out: make("out") };
}

type Operands = Awaited<ReturnType<typeof operands>>;

/** A program that writes `a`, then `b` from it where that may be in place, then `out`. */
function chain({ x, a, b, out }: Operands, middle: Partial<Dispatch> = {}): Dispatch[] {
  return [
    dispatchOf("A", { read: [x], write: [a] }),
    { ...dispatchOf("B", { read: [a, x], write: [b], ...FIRST }), ...middle },
    dispatchOf("C", { read: [b], write: [out] }),
  ];
}

function rootsOf(tensors: readonly Tensor[]): Set<Storage> {
  return new Set(tensors.map(({ storage }) => storage.root));
}

Deno.test("writeInPlace: the last to read a tensor writes there, and another one stands in for it", async () => {
  const all = await operands();
  const { x, a, b, out } = all;
  const list = chain(all);
  const moved = list.map(bytesMoved);
  const placed = writeInPlace(list, rootsOf([out]));
  assert.deepEqual(placed.map(isInPlace), [false, true, false]);
  assert.deepEqual(placed[1]?.read, [x, x]);
  assert.deepEqual(placed[1]?.write, [b]);
  assert.equal(b.storage.root, a.storage);
  assert.deepEqual(placed.map(bytesMoved), moved, "as many bytes move");
  const { buffers, dispatches } = planMemory(placed, rootsOf([out]));
  assert.deepEqual(dispatches, placed);
  assert.equal(buffers.length, 2);
});

Deno.test("writeInPlace: a chain is one tensor", async () => {
  const all = await operands();
  const { x, a, b, c, out } = all;
  const list = [
    ...chain(all).slice(0, 2),
    dispatchOf("C", { read: [b, x], write: [c], ...FIRST }),
    dispatchOf("D", { read: [c], write: [out] }),
  ];
  const placed = writeInPlace(list, rootsOf([out]));
  assert.deepEqual(placed.map(isInPlace), [false, true, true, false]);
  assert.deepEqual([b, c].map(({ storage }) => storage.root), [a.storage, a.storage]);
  assert.equal(planMemory(placed, rootsOf([out])).buffers.length, 2);
});

const UNTOUCHED: Readonly<
  Record<string, (operands: Operands) => { list: Dispatch[]; outputs?: readonly Tensor[] }>
> = {
  "a tensor that is read later": (all) => {
    const [first, second] = chain(all);
    assert.ok(first !== undefined && second !== undefined);
    return { list: [first, second, dispatchOf("C", { read: [all.b, all.a], write: [all.out] })] };
  },
  "a kernel that cannot": (all) => ({ list: chain(all, { fusion: {} }) }),
  "an output that is read": (all) => ({ list: chain(all), outputs: [all.a, all.out] }),
  "a result that is an output": (all) => ({ list: chain(all), outputs: [all.b, all.out] }),
  "a tensor with a place": (all) => ({ list: chain(all, { read: [all.x, all.a] }) }),
  "nothing to stand in": (all) => ({ list: chain(all, { read: [all.a] }) }),
  "a tensor that is read twice": (all) => ({ list: chain(all, { read: [all.a, all.x, all.a] }) }),
  "a larger tensor": (all) => {
    const large = intermediate(all.gpu, { label: "large", quads: 2 });
    return { list: chain({ ...all, a: large }) };
  },
  "another type of the same bytes": (all) => {
    const integers = all.gpu.intermediate([4], { label: "integers", dtype: "u32" });
    return { list: chain({ ...all, a: integers }) };
  },
  "a result that was written before": (all) => {
    const [first, ...rest] = chain(all);
    assert.ok(first !== undefined);
    return { list: [first, dispatchOf("early", { read: [all.x], write: [all.b] }), ...rest] };
  },
  "a result with others beside it in one buffer": (all) => {
    all.gpu.record(() => gather([all.b, all.c], { label: "whole" }));
    return { list: chain(all) };
  },
  "a tensor with others beside it in one buffer": (all) => {
    all.gpu.record(() => gather([all.a, all.c], { label: "whole" }));
    return { list: chain(all) };
  },
};

for (const [name, make] of Object.entries(UNTOUCHED)) {
  Deno.test(`writeInPlace: leaves ${name}`, async () => {
    const all = await operands();
    const { list, outputs = [all.out] } = make(all);
    assert.deepEqual(writeInPlace(list, rootsOf(outputs)), list);
  });
}
