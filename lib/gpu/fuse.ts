import { boundTensors, type Dispatch, type Merged, nameOf, type Pair } from "./kernel.ts";
import { keepNeeded } from "./plan.ts";
import type { Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

/** What became of a recorded list of dispatches. */
export interface Fused {
  /** The dispatches that are left, in order. */
  readonly dispatches: readonly Dispatch[];
  /** The merged dispatches by name, as `batch_norm.normalise + relu.forward`. */
  readonly fused: readonly string[];
}

/** What {@link fuse} must know of the program and the device. */
export interface FuseOptions {
  /** Storages whose values are needed after the last dispatch. */
  readonly outputs: ReadonlySet<Storage>;
  /** The storage buffers that a dispatch may bind. */
  readonly slots: number;
}

interface Uses {
  readonly writers: number[];
  readonly readers: number[];
}

/**
 * Merges neighbours, by the rules that the dispatches bring along: a producer takes its only consumer's work into its
 * store, or every consumer of a producer computes by itself what that one would have stored. The value between them is
 * then never in memory. Where it must be, the producer may make what one consumer would have made of it, which then need
 * not read it. Last, small dispatches that need nothing of each other may become one. What is merged is an intermediate
 * tensor with one writer that, if it is to go, is no output; nothing moves across a dispatch that changes what it reads
 * or touches what it writes.
 *
 * @param recorded The dispatches in the order of recording.
 */
export function fuse(
  recorded: readonly Dispatch[],
  { outputs, slots }: FuseOptions,
): Fused {
  const list = new Fusing(keepNeeded(recorded, outputs), { outputs, slots });
  for (let at = 0; at < list.length; at++) {
    while (list.absorb(at));
    list.inline(at);
  }
  for (let at = 0; at < list.length; at++) list.extend(at);
  for (let at = 0; at < list.length; at++) {
    while (list.joinEarlier(at));
  }
  const dispatches = keepNeeded(list.left, outputs);
  return {
    dispatches,
    fused: dispatches.filter(({ absorbed }) => absorbed.length > 0).map(nameOf),
  };
}

class Fusing {
  readonly #list: (Dispatch | null)[];
  readonly #options: FuseOptions;
  #uses: ReadonlyMap<Storage, Uses>;

  constructor(dispatches: readonly Dispatch[], options: FuseOptions) {
    this.#list = [...dispatches];
    this.#options = options;
    this.#uses = usesIn(this.#list);
  }

  get length(): number {
    return this.#list.length;
  }

  get left(): Dispatch[] {
    return this.#list.filter((dispatch) => dispatch !== null);
  }

  /** Lets one of a dispatch's producers, the latest that can, take it over. */
  absorb(at: number): boolean {
    const consumer = this.#list[at] ?? null;
    if (consumer === null) return false;
    const candidates = consumer.read
      .map((through) => ({ through, from: this.#onlyWriter(through) ?? -1 }))
      .filter(({ through, from }) => from >= 0 && this.#isHidden(through))
      .filter(({ through }) => this.#readersOf(through).join() === String(at))
      .toSorted((a, b) => b.from - a.from);
    for (const { through, from } of candidates) {
      const producer = this.#list[from] ?? null;
      if (producer === null || !this.#mayMove(from, at)) continue;
      // A rule speaks of what is written first; a gradient of parameters, say, may be added up as well.
      if (producer.write[0]?.storage !== through.storage) continue;
      const merged = this.#merge(producer, {
        change: producer.fusion.absorb?.(this.#pair({ producer, consumer, through, at })) ?? null,
        other: consumer,
      });
      if (merged === null) continue;
      this.#list[from] = null;
      this.#replace([{ at, merged }]);
      return true;
    }
    return false;
  }

  /** Lets every consumer of a dispatch compute its result, if all of them can. */
  inline(at: number): void {
    const producer = this.#list[at] ?? null;
    const through = producer?.write[0];
    if (producer === null || through === undefined || producer.write.length > 1) return;
    if (this.#onlyWriter(through) !== at || !this.#isHidden(through)) return;
    const merges = [...new Set(this.#readersOf(through))].map((reader) => {
      const consumer = this.#list[reader] ?? null;
      if (consumer === null || !this.#stays(producer.read, { after: at, before: reader })) {
        return { at: reader, merged: null };
      }
      const pair = this.#pair({ producer, consumer, through, at });
      const change = consumer.fusion.inline?.(pair) ?? null;
      return { at: reader, merged: this.#merge(consumer, { change, other: producer }) };
    });
    const found = merges.flatMap(({ at, merged }) => merged === null ? [] : [{ at, merged }]);
    if (found.length === 0 || found.length < merges.length) return;
    this.#list[at] = null;
    this.#replace(found);
  }

  /** Lets the producer of what a dispatch reads make its result as well, at the producer's place, or begin to. */
  extend(at: number): void {
    const consumer = this.#list[at] ?? null;
    const through = consumer?.read[0];
    if (consumer === null || through === undefined) return;
    const from = this.#onlyWriter(through) ?? -1;
    const producer = this.#list[from] ?? null;
    if (producer?.write[0]?.storage !== through.storage || !this.#mayMove(at, from)) return;
    const change = producer.fusion.extend?.(this.#pair({ producer, consumer, through, at: from }));
    if (change === undefined || change === null) return;
    const merged = this.#merge(producer, { change: change.producer, other: consumer });
    const rest = change.rest === null ? null : changed(consumer, change.rest);
    if (merged === null) return;
    this.#list[at] = rest;
    this.#replace([{ at: from, merged }]);
  }

  /** Lets a dispatch do the work of an earlier one beside its own, the latest that will do. */
  joinEarlier(at: number): boolean {
    const later = this.#list[at] ?? null;
    const join = later?.fusion.beside;
    if (later === null || join === undefined) return false;
    for (let from = at - 1; from >= 0; from--) {
      const earlier = this.#list[from] ?? null;
      if (earlier?.fusion.beside === undefined || !this.#mayMove(from, at)) continue;
      if (shareBytes(earlier.write, later.write)) continue;
      const merged = this.#merge(later, { change: join(earlier, later), other: earlier });
      if (merged === null) continue;
      this.#list[from] = null;
      this.#replace([{ at, merged }]);
      return true;
    }
    return false;
  }

  #replace(merges: readonly { at: number; merged: Dispatch }[]): void {
    for (const { at, merged } of merges) this.#list[at] = merged;
    this.#uses = usesIn(this.#list);
  }

  #pair({ at, ...pair }: Omit<Pair, "writerOf"> & { at: number }): Pair {
    const writerOf = (tensor: Tensor) => {
      const writer = this.#onlyWriter(tensor);
      const made = writer === null ? null : this.#list[writer] ?? null;
      if (writer === null || made === null) return null;
      return this.#stays(made.read, { after: writer, before: at }) ? made : null;
    };
    return { ...pair, writerOf };
  }

  #merge(
    base: Dispatch,
    { change, other }: { change: Merged | null; other: Dispatch },
  ): Dispatch | null {
    if (change === null) return null;
    const merged = changed(base, { ...change, absorbed: [...base.absorbed, nameOf(other)] });
    const { read, write } = merged;
    const isMixed = read.some(({ storage }) =>
      write.some((written) => written.storage.root === storage.root)
    );
    return isMixed || read.length + write.length > this.#options.slots ? null : merged;
  }

  /** Whether nothing but a dispatch of the program can see a tensor. */
  #isHidden({ storage }: Tensor): boolean {
    return !this.#options.outputs.has(storage);
  }

  /**
   * The only dispatch that writes an intermediate tensor, `null` where there are more or the tensor is another kind.
   */
  #onlyWriter({ storage }: Tensor): number | null {
    if (storage.root !== storage || !storage.isPlaceless) return null;
    const writers = this.#uses.get(storage)?.writers ?? [];
    return writers.length === 1 ? writers[0] ?? null : null;
  }

  #readersOf({ storage }: Tensor): readonly number[] {
    return this.#uses.get(storage)?.readers ?? [];
  }

  /** Whether no dispatch between two places writes these tensors. */
  #stays(
    tensors: readonly Tensor[],
    { after, before }: { after: number; before: number },
  ): boolean {
    return this.#list.slice(after + 1, before).every((between) =>
      between === null || !shareBytes(between.write, tensors)
    );
  }

  /** Whether a dispatch may run at another place instead of its own: right before what is there, or right after. */
  #mayMove(from: number, to: number): boolean {
    const moved = this.#list[from] ?? null;
    if (moved === null) return false;
    const [after, before] = [Math.min(from, to), Math.max(from, to)];
    return this.#stays(boundTensors(moved), { after, before }) &&
      this.#list.slice(after + 1, before).every((between) =>
        between === null || !shareBytes(boundTensors(between), moved.write)
      );
  }
}

function changed(base: Dispatch, { entry = base.entry, ...options }: Merged): Dispatch {
  return base.kernel.prepare(entry, { ...base, ...options });
}

function shareBytes(a: readonly Tensor[], b: readonly Tensor[]): boolean {
  return a.some((one) => b.some((other) => one.storage.overlaps(other.storage)));
}

/** Which dispatches write and read each storage; one that reads a tensor twice counts twice. */
function usesIn(list: readonly (Dispatch | null)[]): Map<Storage, Uses> {
  const uses = new Map<Storage, Uses>();
  const of = (storage: Storage): Uses => {
    const found = uses.get(storage.root) ?? { writers: [], readers: [] };
    uses.set(storage.root, found);
    return found;
  };
  list.forEach((dispatch, at) => {
    if (dispatch === null) return;
    for (const { storage } of dispatch.read) of(storage).readers.push(at);
    for (const { storage } of dispatch.write) of(storage).writers.push(at);
  });
  return uses;
}
