import assert from "node:assert/strict";
import { gather } from "../../lib/gpu/arena.ts";
import { fuse } from "../../lib/gpu/fuse.ts";
import type { Dispatch, Fusion } from "../../lib/gpu/kernel.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { dispatchOf, intermediate } from "../support/dispatches.ts";
import { testGpu } from "../support/gpu.ts";

/** A producer that does in its store whatever its only consumer does, unless that is merged already. */
const STORES: Fusion = {
  absorb: ({ producer, consumer, through }) =>
    consumer.absorbed.length > 0 ? null : ({
      read: [...producer.read, ...consumer.read.filter((tensor) => tensor !== through)],
      write: [...consumer.write, ...producer.write.filter((tensor) => tensor !== through)],
    }),
};

/** A consumer that computes what a producer would have stored, unless that is merged already. */
const LOADS: Fusion = {
  inline: ({ producer, consumer, through }) =>
    producer.absorbed.length > 0 ? null : ({
      read: [...consumer.read.filter((tensor) => tensor !== through), ...producer.read],
    }),
};

/** A producer that makes beside its own result whatever one reader would have made of it. */
const EXTENDS: Fusion = {
  extend: ({ producer, consumer }) =>
    producer.absorbed.length > 0
      ? null
      : ({ producer: { write: [...producer.write, ...consumer.write] }, rest: null }),
};

/** A dispatch that does the work of any earlier one beside its own, unless one of them does already. */
const JOINS: Fusion = {
  beside: (earlier, later) =>
    earlier.absorbed.length + later.absorbed.length > 0 ? null : ({
      read: [...earlier.read, ...later.read],
      write: [...earlier.write, ...later.write],
    }),
};

/** What a merge came to: each dispatch as `name: read -> written`, labels of tensors. */
function fusedOf(
  dispatches: readonly Dispatch[],
  { outputs, slots = 8 }: { outputs: readonly Tensor[]; slots?: number },
): string[] {
  const { dispatches: left } = fuse(dispatches, {
    outputs: new Set(outputs.map(({ storage }) => storage.root)),
    slots,
  });
  const names = (tensors: readonly Tensor[]) => tensors.map(({ label }) => label).join(" ");
  return left.map(({ kernel, absorbed, read, write }) =>
    `${[kernel.name, ...absorbed].join(" + ")}: ${names(read)} -> ${names(write)}`
  );
}

async function operands() {
  const gpu = await testGpu();
  const make = (label: string) => intermediate(gpu, { label });
  const [x, kept] = [gpu.zeros([4], { label: "x" }), gpu.zeros([4], { label: "kept" })];
  return { gpu, x, kept, a: make("a"), b: make("b"), c: make("c"), d: make("d"), out: make("out") };
}

Deno.test("fuse: a producer takes over its only consumer, at the consumer's place", async () => {
  const { x, a, b, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
    dispatchOf("B", { read: [x], write: [b] }),
    dispatchOf("C", { read: [a, b], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), ["B: x -> b", "A + C.run: x b -> out"]);
  assert.deepEqual(fuse(list, { outputs: new Set([out.storage]), slots: 8 }).fused, [
    "A.run + C.run",
  ]);
});

Deno.test("fuse: a producer takes over what reads its first tensor, not what reads another", async () => {
  const { x, a, b, out } = await operands();
  const list = (through: Tensor) => [
    dispatchOf("A", { read: [x], write: [a, b], fusion: STORES }),
    dispatchOf("B", { read: [through], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list(a), { outputs: [out] }), ["A + B.run: x -> out b"]);
  assert.deepEqual(fusedOf(list(b), { outputs: [out] }), ["A: x -> a b", "B: b -> out"]);
});

Deno.test("fuse: a chain becomes one dispatch, and the latest producer is preferred", async () => {
  const { x, a, b, c, out } = await operands();
  const chain = [
    dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
    dispatchOf("B", { read: [a], write: [b] }),
    dispatchOf("C", { read: [b], write: [out] }),
  ];
  assert.deepEqual(fusedOf(chain, { outputs: [out] }), ["A + B.run + C.run: x -> out"]);
  const both = [
    dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
    dispatchOf("B", { read: [x], write: [b], fusion: STORES }),
    dispatchOf("C", { read: [b, a], write: [c] }),
    dispatchOf("D", { read: [c], write: [out] }),
  ];
  assert.deepEqual(fusedOf(both, { outputs: [out] }), [
    "A: x -> a",
    "B + C.run + D.run: x a -> out",
  ]);
});

Deno.test("fuse: what a producer writes beside stays", async () => {
  const { x, kept, a, b, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a, b, kept], fusion: STORES }),
    dispatchOf("B", { read: [a], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out, b] }), ["A + B.run: x -> out b kept"]);
});

Deno.test("fuse: every consumer computes what it would have loaded", async () => {
  const { x, a, b, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a] }),
    dispatchOf("B", { read: [a], write: [b], fusion: LOADS }),
    dispatchOf("C", { read: [a, b], write: [out], fusion: LOADS }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), [
    "B + A.run: x -> b",
    "C + A.run: b x -> out",
  ]);
  const halfway = [...list.slice(0, 2), dispatchOf("C", { read: [a, b], write: [out] })];
  assert.equal(fusedOf(halfway, { outputs: [out] }).length, 3, "one consumer cannot");
});

Deno.test("fuse: a consumer that nothing depends on does not count", async () => {
  const { x, a, b, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
    dispatchOf("dead", { read: [a], write: [b] }),
    dispatchOf("C", { read: [a], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), ["A + C.run: x -> out"]);
});

Deno.test("fuse: what the merged form no longer needs is dropped", async () => {
  const { x, a, b, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a] }),
    dispatchOf("B", { read: [a], write: [b] }),
    dispatchOf("C", {
      read: [b],
      write: [out],
      fusion: { inline: ({ writerOf }) => ({ read: writerOf(a)?.read ?? [] }) },
    }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), ["C + B.run: x -> out"]);
});

Deno.test("fuse: a producer makes what a reader would have made, and stores its own result", async () => {
  const { x, a, b, c, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a], fusion: EXTENDS }),
    dispatchOf("B", { read: [x], write: [b] }),
    dispatchOf("C", { read: [a], write: [c] }),
    dispatchOf("D", { read: [a, b, c], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [a, out] }), [
    "A + C.run: x -> a c",
    "B: x -> b",
    "D: a b c -> out",
  ]);
});

Deno.test("fuse: a producer begins what a reader ends, which reads that in place of its result", async () => {
  const { x, a, b, c, d, out } = await operands();
  const begins: Fusion = {
    extend: ({ producer }) => ({
      producer: { write: [...producer.write, d] },
      rest: { entry: "end", read: [d] },
    }),
  };
  const list = [
    dispatchOf("A", { read: [x], write: [a], fusion: begins }),
    dispatchOf("B", { read: [x], write: [b] }),
    dispatchOf("C", { read: [a], write: [c] }),
    dispatchOf("D", { read: [a, b, c], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), [
    "A + C.run: x -> a d",
    "B: x -> b",
    "C: d -> c",
    "D: a b c -> out",
  ]);
});

Deno.test("fuse: a producer makes nothing early that is read or written in between", async () => {
  const { x, kept, a, b, out } = await operands();
  const list = (between: Dispatch) => [
    dispatchOf("A", { read: [x], write: [a], fusion: EXTENDS }),
    between,
    dispatchOf("C", { read: [a], write: [kept] }),
    dispatchOf("D", { read: [a, b], write: [out] }),
  ];
  const reads = list(dispatchOf("B", { read: [kept], write: [b] }));
  assert.equal(fusedOf(reads, { outputs: [out] }).length, 4);
  const writes = list(dispatchOf("B", { read: [x], write: [b, kept] }));
  assert.equal(fusedOf(writes, { outputs: [out] }).length, 4);
  const neither = list(dispatchOf("B", { read: [x], write: [b] }));
  assert.equal(fusedOf(neither, { outputs: [out] }).length, 3);
});

Deno.test("fuse: independent dispatches join at the later one's place", async () => {
  const { x, a, b, c, out } = await operands();
  const list = [
    dispatchOf("A", { read: [x], write: [a], fusion: JOINS }),
    dispatchOf("B", { read: [x], write: [b] }),
    dispatchOf("C", { read: [b], write: [c], fusion: JOINS }),
    dispatchOf("D", { read: [a, c], write: [out] }),
  ];
  assert.deepEqual(fusedOf(list, { outputs: [out] }), [
    "B: x -> b",
    "C + A.run: x b -> a c",
    "D: a c -> out",
  ]);
});

type Operands = Awaited<ReturnType<typeof operands>>;

const UNTOUCHED: Readonly<
  Record<string, (operands: Operands) => { list: Dispatch[]; outputs: Tensor[]; slots?: number }>
> = {
  "two consumers": ({ x, a, b, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [a], write: [b] }),
      dispatchOf("C", { read: [a, b], write: [out] }),
    ],
    outputs: [out],
  }),
  "a consumer that reads twice": ({ x, a, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [a, a], write: [out] }),
    ],
    outputs: [out],
  }),
  "an output between them": ({ x, a, b, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [a], write: [b], fusion: LOADS }),
      dispatchOf("C", { read: [b], write: [out] }),
    ],
    outputs: [a, out],
  }),
  "a tensor that outlives the program between them": ({ x, kept, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [kept], fusion: STORES }),
      dispatchOf("B", { read: [kept], write: [out], fusion: LOADS }),
    ],
    outputs: [out],
  }),
  "two producers": ({ x, a, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [x], write: [a], fusion: STORES }),
      dispatchOf("C", { read: [a], write: [out], fusion: LOADS }),
    ],
    outputs: [out],
  }),
  "a write of what the producer reads in between": ({ x, kept, a, out }) => ({
    list: [
      dispatchOf("A", { read: [kept], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [x], write: [kept] }),
      dispatchOf("C", { read: [a], write: [out], fusion: LOADS }),
    ],
    outputs: [out],
  }),
  "a read of what the producer writes beside in between": ({ x, kept, a, c, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a, kept], fusion: STORES }),
      dispatchOf("B", { read: [kept], write: [c] }),
      dispatchOf("C", { read: [a], write: [out] }),
    ],
    outputs: [out, c],
  }),
  "a read and a write of one tensor in the merged dispatch": ({ kept, a }) => ({
    list: [
      dispatchOf("A", { read: [kept], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [a], write: [kept], fusion: LOADS }),
    ],
    outputs: [],
  }),
  "more buffers than the adapter binds": ({ x, kept, a, b, out }) => ({
    list: [
      dispatchOf("A", { read: [x, kept], write: [a], fusion: STORES }),
      dispatchOf("B", { read: [x], write: [b] }),
      dispatchOf("C", { read: [a, b], write: [out] }),
    ],
    outputs: [out],
    slots: 3,
  }),
  "neighbours of which one needs the other": ({ x, kept, a, b, c, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: JOINS }),
      dispatchOf("B", { read: [a], write: [b], fusion: JOINS }),
      dispatchOf("C", { read: [kept], write: [c], fusion: STORES }),
      dispatchOf("D", { read: [b], write: [kept], fusion: JOINS }),
      dispatchOf("E", { read: [c, a], write: [out] }),
    ],
    outputs: [out, b],
  }),
  "neighbours that would write one tensor": ({ x, a }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: JOINS }),
      dispatchOf("B", { read: [x], write: [a], fusion: JOINS }),
    ],
    outputs: [a],
  }),
  "neighbours with a reader in between": ({ x, a, b, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: JOINS }),
      dispatchOf("B", { read: [a], write: [b] }),
      dispatchOf("C", { read: [x], write: [out], fusion: JOINS }),
    ],
    outputs: [b, out],
  }),
  "rules that decline": ({ x, a, out }) => ({
    list: [
      dispatchOf("A", { read: [x], write: [a], fusion: { absorb: () => null } }),
      dispatchOf("B", { read: [a], write: [out], fusion: { inline: () => null } }),
    ],
    outputs: [out],
  }),
};

for (const [what, build] of Object.entries(UNTOUCHED)) {
  Deno.test(`fuse: leaves alone ${what}`, async () => {
    const { list, outputs, slots = 8 } = build(await operands());
    const roots = new Set(outputs.map(({ storage }) => storage.root));
    assert.deepEqual(fuse(list, { outputs: roots, slots }), { dispatches: list, fused: [] });
  });
}

Deno.test("fuse: writes of other parts of one buffer do not stand between", async () => {
  const { gpu, x, a, b, c, d, out } = await operands();
  gpu.record(() => {
    const whole = gather([c, d], { label: "whole" });
    assert.ok(whole !== null);
    const list = (between: Tensor) => [
      dispatchOf("A", { read: [x], write: [a, c], fusion: STORES }),
      dispatchOf("B", { read: [x], write: [between, b] }),
      dispatchOf("C", { read: [a, b], write: [out] }),
    ];
    const outputs = [whole, out];
    assert.deepEqual(fusedOf(list(d), { outputs }), ["B: x -> d b", "A + C.run: x b -> out c"]);
    assert.equal(fusedOf(list(c), { outputs }).length, 3);
  });
});

Deno.test("fuse: a tensor's writer is known only while what it read is as it was", async () => {
  const { x, kept, a, b, c, out } = await operands();
  const found: (string | undefined)[] = [];
  const spy: Fusion = {
    inline: ({ writerOf }) => {
      found.push(writerOf(a)?.label);
      return null;
    },
  };
  for (const from of [x, kept]) {
    fuse([
      dispatchOf("A", { read: [from], write: [a] }),
      dispatchOf("B", { read: [x], write: [kept] }),
      dispatchOf("C", { read: [a], write: [b] }),
      dispatchOf("D", { read: [a], write: [c] }),
      dispatchOf("E", { read: [b, c], write: [out], fusion: spy }),
    ], { outputs: new Set([out.storage]), slots: 8 });
  }
  assert.deepEqual(found, ["A", "A", undefined, undefined]);
});
