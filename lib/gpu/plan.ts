import { boundTensors, type Dispatch } from "./kernel.ts";
import type { Storage } from "./storage.ts";

/** A shared buffer of a plan and the tensors that live in it one after the other. */
export interface PlannedBuffer {
  /** Its size in bytes: that of the largest tensor in it. */
  bytes: number;
  /** The tensors and when each is alive, as dispatch numbers, both ends included. */
  readonly tenants: { storage: Storage; first: number; last: number }[];
}

/** Where every intermediate tensor of a program lives. */
export interface Plan {
  /** The dispatches that something depends on, in order. */
  readonly dispatches: readonly Dispatch[];
  /** The shared buffers. */
  readonly buffers: readonly PlannedBuffer[];
  /** The bytes of all shared buffers: the program's peak memory, parameters and data left out. */
  readonly peakBytes: number;
  /** The bytes that the intermediate tensors would take without sharing. */
  readonly intermediateBytes: number;
  /** The merged dispatches by name, as `batch_norm.normalise + relu.forward`. */
  readonly fused: readonly string[];
}

/** Leaves out the dispatches that neither an output nor a tensor outside the program depends on. */
export function keepNeeded(
  dispatches: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
): Dispatch[] {
  const wanted = new Set(outputs);
  const kept: Dispatch[] = [];
  for (const dispatch of dispatches.toReversed()) {
    const roots = dispatch.write.map((tensor) => tensor.storage.root);
    if (!roots.some((root) => !root.isPlaceless || wanted.has(root))) continue;
    for (const tensor of boundTensors(dispatch)) wanted.add(tensor.storage.root);
    kept.push(dispatch);
  }
  return kept.reverse();
}

function lifetimes(dispatches: readonly Dispatch[], outputs: ReadonlySet<Storage>) {
  const alive = new Map<Storage, { storage: Storage; first: number; last: number }>();
  dispatches.forEach((dispatch, at) => {
    for (const tensor of boundTensors(dispatch)) {
      const storage = tensor.storage.root;
      if (!storage.isPlaceless) continue;
      const span = alive.get(storage);
      if (span === undefined) alive.set(storage, { storage, first: at, last: at });
      else span.last = at;
    }
  });
  for (const storage of outputs) {
    const span = alive.get(storage);
    if (span !== undefined) span.last = dispatches.length;
  }
  return [...alive.values()];
}

/**
 * Drops what nothing depends on and gives every intermediate tensor a place in shared buffers. Two tensors that one
 * dispatch names never share a buffer, since WebGPU counts reads and writes by buffer. Large tensors choose first;
 * each takes the tightest buffer that is free all its life.
 *
 * @param recorded The dispatches in the order of recording.
 * @param outputs Storages that must outlive the last dispatch.
 */
export function planMemory(recorded: readonly Dispatch[], outputs: ReadonlySet<Storage>): Plan {
  const dispatches = keepNeeded(recorded, outputs);
  const spans = lifetimes(dispatches, outputs);
  const buffers: PlannedBuffer[] = [];
  for (
    const span of spans.toSorted((a, b) => b.storage.bytes - a.storage.bytes || a.first - b.first)
  ) {
    const free = buffers.filter(({ tenants }) =>
      tenants.every(({ first, last }) => last < span.first || span.last < first)
    );
    const tightest = free.toSorted((a, b) => a.bytes - b.bytes)[0];
    if (tightest === undefined) buffers.push({ bytes: span.storage.bytes, tenants: [span] });
    else tightest.tenants.push(span);
  }
  return {
    dispatches,
    fused: [],
    buffers,
    peakBytes: buffers.reduce((sum, { bytes }) => sum + bytes, 0),
    intermediateBytes: spans.reduce((sum, { storage }) => sum + storage.bytes, 0),
  };
}
