import { type Gpu, type Program, summarise, type Tensor, timeOnGpu } from "../../../mod.ts";
import type { PeerTask } from "../peers.ts";
import type { PeerKernelRow, Row } from "../rows.ts";

/** Prints a row for the benchmark to read. */
export function print(row: Row): void {
  console.log(JSON.stringify(row));
}

/** What the benchmark asks for: its JSON is the only argument. */
export function readTask(): PeerTask {
  const [text] = Deno.args;
  if (text === undefined) throw new TypeError("Cannot time a peer: wanted a task, found none");
  return JSON.parse(text);
}

/** Work of a peer's: it starts it, many times before it waits once. */
export interface PeerWork {
  readonly start: () => void;
  /** Waits until all that was started is done. */
  readonly wait: () => Promise<void>;
}

async function wall({ start, wait }: PeerWork, runs: number): Promise<number> {
  const before = performance.now();
  for (let run = 0; run < runs; run++) start();
  await wait();
  return (performance.now() - before) / 1e3;
}

/** The seconds that a wait takes where there is nothing to wait for: some 10 ms in Deno. */
async function idleSeconds(work: PeerWork): Promise<number> {
  const waits: number[] = [];
  for (let at = 0; at < 3; at++) waits.push(await wall({ ...work, start: () => {} }, 1));
  return Math.min(...waits);
}

/** Times a peer's work by the wall clock, in turns with a measurement of ours. */
export async function inTurns(
  work: PeerWork,
  { ours, samples, seconds }: { ours: () => Promise<number>; samples: number; seconds: number },
): Promise<{ theirs: number[]; ours: number[] }> {
  await wall(work, 1);
  const idle = await idleSeconds(work);
  const one = async (runs: number) => Math.max(1e-9, await wall(work, runs) - idle) / runs;
  const runs = Math.min(1000, Math.max(1, Math.ceil(seconds / await one(1))));
  const found = { theirs: new Array<number>(), ours: new Array<number>() };
  for (let turn = 0; turn < samples; turn++) {
    found.ours.push(await ours());
    found.theirs.push(await one(runs));
  }
  return found;
}

/** The largest difference, as a part of the largest value. */
export function differenceOf(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  if (found.length !== wanted.length) {
    throw new Error(`Cannot compare: wanted ${wanted.length} numbers, found ${found.length}`);
  }
  let [largest, off] = [0, 0];
  for (let at = 0; at < wanted.length; at++) {
    largest = Math.max(largest, Math.abs(wanted[at] ?? NaN));
    off = Math.max(off, Math.abs((found[at] ?? NaN) - (wanted[at] ?? NaN)));
  }
  return off / largest;
}

const MOST_DIFFERENCE = 1e-3;

/** Times one pass in a peer and here, in turns, where both computed the same. */
export async function peerKernelRow(
  gpu: Gpu,
  { peer, convolution, pass, batch, program, work, values, timing }: {
    peer: string;
    convolution: string;
    pass: PeerKernelRow["pass"];
    batch: number;
    /** Ours. */
    program: Program<Tensor>;
    /** Theirs. */
    work: PeerWork;
    /** Their result, in our order. */
    values: ArrayLike<number>;
    timing: { samples: number; seconds: number };
  },
): Promise<Row> {
  program.run();
  const difference = differenceOf(values, await program.outputs.read());
  if (!(difference < MOST_DIFFERENCE)) {
    const message = `Cannot compare: the results must be equal, found ${difference} apart`;
    return { kind: "failure", what: `${peer} ${convolution} ${pass}`, message };
  }
  const ours = async () => {
    const [[seconds = NaN] = []] = await timeOnGpu(gpu, [program], { samples: 1, seconds: 0.02 });
    return seconds;
  };
  const found = await inTurns(work, { ours, ...timing });
  return {
    kind: "peer kernel",
    peer,
    convolution,
    pass,
    batch,
    ms: summarise(found.theirs.map((took) => took * 1e3)),
    ours_ms: summarise(found.ours.map((took) => took * 1e3)),
    ratio: summarise(found.theirs.map((took, turn) => took / (found.ours[turn] ?? NaN))),
    difference,
  };
}
