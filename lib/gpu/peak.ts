import { boundTensors } from "./kernel.ts";
import type { MemoryPlan, Span } from "./plan.ts";
import type { Storage } from "./storage.ts";

/** Tensors of one name and shape that are alive at once. */
export interface LiveTensors {
  /** Their name. */
  readonly label: string;
  /** Their shape, that of the largest view where several share the bytes. */
  readonly shape: readonly number[];
  /** Their number. */
  readonly count: number;
  /** The bytes of all. */
  readonly bytes: number;
}

/** The dispatch of a plan at which most bytes are alive. */
export interface Peak {
  /** The dispatch, counted from 0. */
  readonly at: number;
  /** The bytes of the tensors that are alive then. */
  readonly bytes: number;
  /** Those tensors, the largest first. */
  readonly tensors: readonly LiveTensors[];
}

function shapesOf({ dispatches }: MemoryPlan): Map<Storage, readonly number[]> {
  const shapes = new Map<Storage, readonly number[]>();
  const largest = new Map<Storage, number>();
  for (const { storage, shape } of dispatches.flatMap(boundTensors)) {
    if (storage.bytes <= (largest.get(storage.root) ?? -1)) continue;
    largest.set(storage.root, storage.bytes);
    shapes.set(storage.root, shape);
  }
  return shapes;
}

/**
 * Finds where a plan needs the most memory, and which tensors need it. The plan's buffers may hold more, where a
 * tensor lies in a buffer that was made for a larger one.
 */
export function peakOf(plan: MemoryPlan): Peak {
  const spans: readonly Span[] = [
    ...plan.buffers.flatMap(({ tenants }) => tenants),
    ...plan.textures.flatMap(({ tenants }) => tenants),
  ];
  const change = new Array<number>(plan.dispatches.length + 2).fill(0);
  for (const { storage, first, last } of spans) {
    change[first] = (change[first] ?? 0) + storage.bytes;
    change[last + 1] = (change[last + 1] ?? 0) - storage.bytes;
  }
  let [at, bytes, alive] = [0, 0, 0];
  change.forEach((difference, dispatch) => {
    alive += difference;
    if (alive > bytes) [at, bytes] = [dispatch, alive];
  });
  const shapes = shapesOf(plan);
  const groups = new Map<string, LiveTensors>();
  for (const { storage, first, last } of spans) {
    if (first > at || last < at) continue;
    const shape = shapes.get(storage) ?? [];
    const key = `${storage.label} ${shape.join()}`;
    const { count, bytes } = groups.get(key) ?? { count: 0, bytes: 0 };
    const group = { label: storage.label, shape, count: count + 1, bytes: bytes + storage.bytes };
    groups.set(key, group);
  }
  return { at, bytes, tensors: [...groups.values()].toSorted((a, b) => b.bytes - a.bytes) };
}
