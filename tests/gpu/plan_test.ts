import assert from "node:assert/strict";
import { gather } from "../../lib/gpu/arena.ts";
import { type Dispatch, isInPlace } from "../../lib/gpu/kernel.ts";
import { writeInPlace } from "../../lib/gpu/in_place.ts";
import { keepNeeded, type MemoryPlan, planMemory } from "../../lib/gpu/plan.ts";
import type { Storage } from "../../lib/gpu/storage.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";
import { randomStream } from "../support/random.ts";

function homes({ buffers }: MemoryPlan): Map<Storage, number> {
  return new Map(
    buffers.flatMap(({ tenants }, at) => tenants.map(({ storage }) => [storage, at] as const)),
  );
}

function rootsOf(tensors: readonly Tensor[]): Set<Storage> {
  return new Set(tensors.map(({ storage }) => storage.root));
}

Deno.test("planMemory: a chain alternates between two buffers", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  const tensors = ["a", "b", "c", "d", "e"].map((label) => intermediate(gpu, { label, quads: 8 }));
  const dispatches = tensors.map((tensor, at) =>
    dispatchOf(tensor.label, { read: [tensors[at - 1] ?? x], write: [tensor] })
  );
  const plan = planMemory(dispatches, rootsOf(tensors.slice(-1)));
  assert.equal(plan.buffers.length, 2);
  assert.equal(plan.peakBytes, 2 * 128);
  assert.equal(plan.intermediateBytes, 5 * 128);
  assert.deepEqual(plan.dispatches, dispatches);
});

Deno.test("planMemory: a buffer is as large as its largest tensor", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  const [a, b, c] = [
    intermediate(gpu, { label: "a", quads: 2 }),
    intermediate(gpu, { label: "b", quads: 1 }),
    intermediate(gpu, { label: "c", quads: 9 }),
  ];
  const plan = planMemory([
    dispatchOf("a", { read: [x], write: [a] }),
    dispatchOf("b", { read: [a], write: [b] }),
    dispatchOf("c", { read: [b], write: [c] }),
  ], rootsOf([c]));
  const home = homes(plan);
  assert.equal(home.get(a.storage), home.get(c.storage));
  assert.deepEqual(plan.buffers.map(({ bytes }) => bytes).sort(), [144, 16]);
});

Deno.test("planMemory: small tensors lie side by side where a large one was", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  const make = (label: string, quads = 16) => intermediate(gpu, { label, quads });
  const [large, a, b, c, out] = [make("large", 33), make("a"), make("b"), make("c"), make("out")];
  const { buffers, peakBytes } = planMemory([
    dispatchOf("large", { read: [x], write: [large] }),
    dispatchOf("a", { read: [large], write: [a] }),
    dispatchOf("b", { read: [a], write: [b] }),
    dispatchOf("c", { read: [a], write: [c] }),
    dispatchOf("out", { read: [b, c], write: [out] }),
  ], rootsOf([out]));
  const placed = buffers.map(({ tenants }) =>
    tenants.map(({ storage, offset }) => `${storage.label} ${offset}`)
  );
  assert.deepEqual(placed, [["large 0", "b 0", "c 256"], ["a 0", "out 0"]]);
  assert.equal(peakBytes, large.storage.bytes + a.storage.bytes);
});

Deno.test("planMemory: an output keeps its buffer to the end", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  const [out, a, b] = ["out", "a", "b"].map((label) => intermediate(gpu, { label }));
  assert.ok(out !== undefined && a !== undefined && b !== undefined);
  const plan = planMemory([
    dispatchOf("out", { read: [x], write: [out] }),
    dispatchOf("a", { read: [x], write: [a] }),
    dispatchOf("b", { read: [a], write: [b] }),
  ], rootsOf([out, b]));
  const home = homes(plan);
  assert.equal(plan.buffers.filter(({ tenants }) => tenants.length > 1).length, 0);
  assert.notEqual(home.get(out.storage), home.get(b.storage));
});

Deno.test("planMemory: drops what no output depends on", async () => {
  const gpu = await testGpu();
  const [x, persistent] = [gpu.zeros([4]), gpu.zeros([4])];
  const [dead, deader, kept, out] = ["dead", "deader", "kept", "out"].map((label) =>
    intermediate(gpu, { label })
  );
  assert.ok(dead !== undefined && deader !== undefined);
  assert.ok(kept !== undefined && out !== undefined);
  const plan = planMemory([
    dispatchOf("dead", { read: [x], write: [dead] }),
    dispatchOf("deader", { read: [dead], write: [deader] }),
    dispatchOf("kept", { read: [x], write: [kept] }),
    dispatchOf("persistent", { read: [kept], write: [persistent] }),
    dispatchOf("out", { read: [x], write: [out] }),
  ], rootsOf([out]));
  assert.deepEqual(plan.dispatches.map(({ label }) => label), ["kept", "persistent", "out"]);
  assert.ok(!homes(plan).has(dead.storage) && !homes(plan).has(deader.storage));
});

Deno.test("planMemory: gathered tensors live and move as one", async () => {
  const gpu = await testGpu();
  const x = gpu.zeros([4]);
  gpu.record(() => {
    const [a, b, c] = ["a", "b", "c"].map((label) => intermediate(gpu, { label }));
    assert.ok(a !== undefined && b !== undefined && c !== undefined);
    const dispatches = [
      dispatchOf("a", { read: [x], write: [a] }),
      dispatchOf("c", { read: [x], write: [c] }),
      dispatchOf("b", { read: [c], write: [b] }),
    ];
    const whole = gather([a, b], { label: "whole" });
    assert.ok(whole !== null);
    const plan = planMemory(dispatches, rootsOf([whole]));
    const home = homes(plan);
    assert.deepEqual(plan.dispatches.map(({ label }) => label), ["a", "c", "b"]);
    assert.equal(home.size, 2);
    assert.notEqual(home.get(whole.storage), home.get(c.storage));
    assert.equal(plan.peakBytes, whole.storage.bytes + c.storage.bytes);
  });
});

const BLOCK = 256;

/** Names of the blocks of memory that a storage takes, from where it lies. */
function blocksFrom(
  { bytes }: Storage,
  { home, offset }: { home: string | number; offset: number },
): string[] {
  const count = Math.ceil(bytes / BLOCK);
  return Array.from({ length: count }, (_, at) => `${home}: ${offset / BLOCK + at}`);
}

/** What a replay leaves in each block, as terms: a write of a tensor is a term of all that the dispatch saw. */
function replay(
  dispatches: readonly Dispatch[],
  { blocksOf, memory }: { blocksOf: (storage: Storage) => string[]; memory: Map<string, string> },
): void {
  const written = new Set<Storage>();
  for (const dispatch of dispatches) {
    const { kernel: { name }, read, write, fusion: { inPlace = 0 } } = dispatch;
    const [result] = write;
    const from = isInPlace(dispatch) && result !== undefined ? read.with(inPlace, result) : read;
    const again = write.filter(({ storage }) => written.has(storage) || !storage.isPlaceless);
    const seen = [...from, ...again].flatMap(({ storage }) =>
      blocksOf(storage).map((block) => memory.get(block) ?? "none")
    );
    for (const { storage } of write) {
      written.add(storage);
      for (const [at, block] of blocksOf(storage).entries()) {
        memory.set(block, hash(`${name} ${storage.label} ${at} ${seen.join(" ")}`));
      }
    }
  }
}

function hash(text: string): string {
  let value = 2166136261;
  for (const letter of text) value = Math.imul(value ^ letter.charCodeAt(0), 16777619) >>> 0;
  return value.toString(36);
}

Deno.test("planMemory: replayed random programs lose no live value", async () => {
  const gpu = await testGpu();
  let [saved, besides, inPlace] = [0, 0, 0];
  for (let seed = 0; seed < 200; seed++) {
    const next = randomStream(seed);
    const pick = <T>(from: readonly T[]) => from[Math.floor(next() * from.length)];
    const persistent = Array.from({ length: 3 }, (_, at) => gpu.zeros([4], { label: `p${at}` }));
    const made: Tensor[] = [];
    const dispatches = Array.from({ length: 30 }, (_, at) => {
      const read = Array.from(
        { length: 1 + Math.floor(next() * 3) },
        () => pick([...made.slice(-4), ...persistent]),
      ).filter((tensor) => tensor !== undefined);
      const label = `t${at}`;
      const like = next() < 0.7 ? read[0]?.size : undefined;
      const old = pick(next() < 0.5 ? made : persistent);
      const write = next() < 0.2 && old !== undefined && !read.includes(old) ? [old] : [
        intermediate(gpu, {
          label,
          quads: like === undefined ? 1 + Math.floor(100 * next()) : like / 4,
        }),
      ];
      if (next() < 0.3) write.push(intermediate(gpu, { label: `${label} too` }));
      made.push(...write.filter((tensor) => !persistent.includes(tensor)));
      return dispatchOf(label, { read, write, fusion: next() < 0.7 ? { inPlace: 0 } : {} });
    });
    const outputs = rootsOf([pick(made), pick(made)].filter((tensor) => tensor !== undefined));
    const placed = writeInPlace(keepNeeded(dispatches, outputs), outputs);
    const plan = planMemory(placed, outputs);
    assert.deepEqual(plan.dispatches, placed, `seed ${seed}`);
    inPlace += placed.filter(isInPlace).length;
    const home = homes(plan);
    for (const { label, read, write } of plan.dispatches) {
      const [from, to] = [read, write].map((tensors) =>
        [...rootsOf(tensors)].filter(({ isPlaceless }) => isPlaceless).map((at) => home.get(at))
      );
      assert.ok(from !== undefined && to !== undefined);
      assert.ok([...from, ...to].every((place) => place !== undefined), `${label} has no buffer`);
      assert.ok(!to.some((at) => from.includes(at)), `${label} shares a buffer, seed ${seed}`);
    }
    const tenants = plan.buffers.flatMap(({ tenants, bytes }, home) =>
      tenants.map((tenant) => ({ ...tenant, home, room: bytes - tenant.offset }))
    );
    const places = new Map(tenants.map((tenant) => [tenant.storage, tenant]));
    besides += tenants.filter(({ offset }) => offset > 0).length;
    for (const { storage, offset, room } of tenants) {
      assert.ok(offset % BLOCK === 0 && storage.bytes <= room, `${storage.label}, seed ${seed}`);
    }
    const apart = (storage: Storage) => blocksFrom(storage, { home: storage.label, offset: 0 });
    const shared = (storage: Storage) => {
      const place = places.get(storage.root);
      return place === undefined ? apart(storage) : blocksFrom(storage, place);
    };
    const [ideal, planned] = [new Map<string, string>(), new Map<string, string>()];
    for (let run = 0; run < 2; run++) {
      replay(dispatches, { blocksOf: apart, memory: ideal });
      replay(plan.dispatches, { blocksOf: shared, memory: planned });
      for (const storage of [...outputs, ...rootsOf(persistent)]) {
        const found = shared(storage).map((block) => planned.get(block));
        const wanted = apart(storage).map((block) => ideal.get(block));
        assert.deepEqual(found, wanted, `${storage.label}, seed ${seed}, run ${run}`);
      }
    }
    assert.ok(plan.peakBytes <= plan.intermediateBytes);
    if (plan.peakBytes < plan.intermediateBytes) saved++;
    for (const tensor of persistent) tensor[Symbol.dispose]();
  }
  assert.ok(saved > 150, `wanted most plans to save memory, found ${saved} of 200`);
  assert.ok(inPlace > 150, `wanted a result in place in most plans, found ${inPlace} in 200`);
  assert.ok(besides > 200, `wanted a tensor or more beside others in each plan, found ${besides}`);
});
