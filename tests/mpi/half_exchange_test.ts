import assert from "node:assert/strict";
import { HalfExchange } from "../../lib/mpi/half_exchange.ts";
import { assertClose } from "../support/assert_close.ts";
import { randomValues } from "../support/random.ts";

type Halves = Float16Array<ArrayBuffer>;

/** Ranks in this process, which hand each other pieces as MPI would. */
class LocalRanks {
  readonly #size: number;
  readonly #exchanges: readonly HalfExchange[];

  constructor(length: number, { size, scale = 1 }: { size: number; scale?: number }) {
    this.#size = size;
    this.#exchanges = Array.from({ length: size }, () => new HalfExchange(length, { size, scale }));
  }

  /** A call of all ranks: it runs when the last has come. */
  #together(act: (lists: readonly Halves[], rank: number) => void) {
    const lists: Halves[] = [];
    const all = Promise.withResolvers<void>();
    return async (rank: number, mine: Halves, result: Halves) => {
      lists[rank] = mine;
      if (Object.keys(lists).length === this.#size) all.resolve();
      await all.promise;
      act([...lists, result], rank);
    };
  }

  /** Sums the numbers of all ranks; each ends with the list that is returned in its place. */
  async sum(terms: readonly Float32Array[]): Promise<Float32Array[]> {
    const size = this.#size;
    const swap = this.#together((lists, rank) => {
      const result = lists[size];
      const piece = (result?.length ?? 0) / size;
      for (let from = 0; from < size; from++) {
        result?.set(lists[from]?.subarray(rank * piece, (rank + 1) * piece) ?? [], from * piece);
      }
    });
    const gather = this.#together((lists) => {
      for (let from = 0; from < size; from++) {
        lists[size]?.set(lists[from] ?? [], from * (lists[from]?.length ?? 0));
      }
    });
    const sums = terms.map((values) => values.slice());
    await Promise.all(
      this.#exchanges.map((exchange, rank) =>
        exchange.sum(sums[rank] ?? new Float32Array(), {
          swap: (mine, theirs) => swap(rank, mine, theirs),
          gather: (mine, all) => gather(rank, mine, all),
        })
      ),
    );
    return sums;
  }
}

function termsOf(length: number, size: number, seed: number): Float32Array[] {
  return Array.from(
    { length: size },
    (_, rank) => randomValues(length, { seed: 100 * seed + rank }),
  );
}

function trueSum(lists: readonly Float32Array[], length: number): Float64Array {
  return Float64Array.from(
    { length },
    (_, at) => lists.reduce((sum, values) => sum + (values[at] ?? NaN), 0),
  );
}

for (const [length, size] of [[1, 3], [7, 2], [64, 4], [101, 3]] as const) {
  Deno.test(`HalfExchange: ${length} numbers of ${size} ranks are summed, with the same bits for all`, async () => {
    const terms = termsOf(length, size, 1);
    const sums = await new LocalRanks(length, { size }).sum(terms);
    for (const found of sums) assert.deepEqual(found, sums[0]);
    assertClose(sums[0] ?? [], trueSum(terms, length), { atol: size * 2 ** -11 });
  });
}

Deno.test("HalfExchange: what rounding takes from one step, the next ones give back", async () => {
  const [length, size, steps] = [33, 3, 200];
  const ranks = new LocalRanks(length, { size });
  const wanted = new Float64Array(length);
  const found = new Float64Array(length);
  let roundedOnce = 0;
  for (let step = 0; step < steps; step++) {
    const terms = termsOf(length, size, step);
    const sums = (await ranks.sum(terms))[0] ?? new Float32Array();
    trueSum(terms, length).forEach((value, at) => wanted[at] = (wanted[at] ?? 0) + value);
    sums.forEach((value, at) => found[at] = (found[at] ?? 0) + value);
    if (step === 0) {
      roundedOnce = Math.max(...wanted.map((value, at) => Math.abs(value - (found[at] ?? 0))));
    }
  }
  // As far off after 200 steps as after one: the errors that are kept, at most one rounding of each rank and of the sum.
  assert.ok(roundedOnce > 1e-5, `${roundedOnce}`);
  assertClose(found, wanted, { atol: size * 2 ** -12 + 2 ** -11 });
});

Deno.test("HalfExchange: numbers too small for half precision arrive in time", async () => {
  const ranks = new LocalRanks(1, { size: 2 });
  const tiny = [Float32Array.of(1e-9), Float32Array.of(1e-9)];
  let sum = 0;
  for (let step = 0; step < 1000; step++) sum += (await ranks.sum(tiny))[0]?.[0] ?? NaN;
  assertClose([sum], [2e-6], { atol: 2 ** -24 });
});

Deno.test("HalfExchange: a scale keeps small numbers precise", async () => {
  const terms = [Float32Array.of(1e-7, 1), Float32Array.of(1e-7, 1)];
  const plain = await new LocalRanks(2, { size: 2 }).sum(terms);
  const scaled = await new LocalRanks(2, { size: 2, scale: 1024 }).sum(terms);
  assert.deepEqual([...plain[0] ?? []], [2 ** -22, 2]);
  assertClose(scaled[1] ?? [], [2e-7, 2], { rtol: 2 ** -10 });
});

Deno.test("HalfExchange: what is beyond the range is cut, and follows", async () => {
  const ranks = new LocalRanks(2, { size: 2 });
  const large = [Float32Array.of(70_000, -100_000), Float32Array.of(0, 0)];
  const none = [new Float32Array(2), new Float32Array(2)];
  assert.deepEqual([...(await ranks.sum(large))[1] ?? []], [65504, -65504]);
  assert.deepEqual([...(await ranks.sum(none))[1] ?? []], [4496, -34496]);
  const both = [Float32Array.of(60_000, 0), Float32Array.of(60_000, 0)];
  assert.deepEqual([...(await ranks.sum(both))[0] ?? []], [65504, 0]);
  assert.deepEqual([...(await ranks.sum(none))[0] ?? []], [54496, 0]);
});

Deno.test("HalfExchange: infinity and NaN reach all ranks, and the next step is clean", async () => {
  const ranks = new LocalRanks(3, { size: 2 });
  const broken = [Float32Array.of(Infinity, 1, NaN), Float32Array.of(1, -Infinity, 1)];
  for (const sums of await ranks.sum(broken)) {
    assert.deepEqual([...sums], [Infinity, -Infinity, NaN]);
  }
  const ones = [new Float32Array(3).fill(1), new Float32Array(3).fill(1)];
  for (const sums of await ranks.sum(ones)) assert.deepEqual([...sums], [2, 2, 2]);
});

Deno.test("HalfExchange: the scale must be a power of two", () => {
  for (const scale of [0, 3, -2, NaN, Infinity]) {
    assert.throws(() => new HalfExchange(1, { size: 2, scale }), {
      name: "RangeError",
      message: `Cannot sum in half precision: the scale must be a power of two, found ${scale}`,
    });
  }
});
