import { randomStream } from "./random.ts";

/** A damaged file, and what was done to it. */
export interface Mutation {
  readonly bytes: Uint8Array;
  readonly what: string;
}

type Next = (below: number) => number;

const HUGE = [0xff, 0x7f, 0x80, 0x00, 0x01, 0x40];

const KINDS: readonly [string, (bytes: Uint8Array, next: Next) => Uint8Array][] = [
  ["cut off", (bytes, next) => bytes.slice(0, next(bytes.length))],
  ["bits flipped", (bytes, next) => {
    const copy = bytes.slice();
    for (let flips = 1 + next(8); flips > 0; flips--) {
      const at = place(copy, next);
      copy[at] = (copy[at] ?? 0) ^ (1 << next(8));
    }
    return copy;
  }],
  ["a size made huge", (bytes, next) => {
    const copy = bytes.slice();
    const length = [2, 4, 8][next(3)] ?? 4;
    const at = place(copy, next);
    return copy.fill(HUGE[next(HUGE.length)] ?? 0xff, at, at + length);
  }],
  ["a part overwritten by another", (bytes, next) => {
    const copy = bytes.slice();
    const from = next(copy.length);
    const to = place(copy, next);
    copy.set(bytes.slice(from, from + Math.min(1 + next(200), copy.length - to)), to);
    return copy;
  }],
  ["a part taken out", (bytes, next) => {
    const at = place(bytes, next);
    const end = at + 1 + next(64);
    return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(end)]);
  }],
  ["a part put in twice", (bytes, next) => {
    const at = place(bytes, next);
    const end = at + 1 + next(64);
    return new Uint8Array([...bytes.subarray(0, end), ...bytes.subarray(at)]);
  }],
];

/** A place in a file, often near its ends, where the headers are. */
function place(bytes: Uint8Array, next: Next): number {
  const near = Math.min(bytes.length, 2048);
  const where = next(4);
  if (where === 0) return next(near);
  return where === 1 ? bytes.length - 1 - next(near) : next(bytes.length);
}

/**
 * Damages a file.
 *
 * @param bytes The file.
 * @param options.seed The same seed gives the same damage.
 */
export function mutate(bytes: Uint8Array, { seed }: { seed: number }): Mutation {
  const random = randomStream(seed);
  const next: Next = (below) => Math.floor(random() * below);
  const [what, change] = KINDS[next(KINDS.length)] ?? ["nothing", (same: Uint8Array) => same];
  return { what: `${what}, seed ${seed}`, bytes: change(bytes, next) };
}
