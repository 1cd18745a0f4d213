import { boundTensors, type Dispatch, isInPlace } from "./kernel.ts";
import { align, type Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";

/** When a tensor is alive, as dispatch numbers, both ends included. */
export interface Span {
  /** Its storage. */
  readonly storage: Storage;
  /** The dispatch that first names it. */
  readonly first: number;
  /** The last that does; one past the last of all for an output. */
  readonly last: number;
}

/** A shared buffer of a plan and the tensors that live in it, one after the other or side by side. */
export interface PlannedBuffer {
  /** Its size in bytes: that of the largest tensor in it. */
  readonly bytes: number;
  /** The tensors, when each is alive, and from which byte of the buffer on. */
  readonly tenants: readonly (Span & { readonly offset: number })[];
}

/** Where every intermediate tensor of a list of dispatches lives. */
export interface MemoryPlan {
  /** The dispatches that something depends on, in order. */
  readonly dispatches: readonly Dispatch[];
  /** The shared buffers. */
  readonly buffers: readonly PlannedBuffer[];
  /** The bytes of all shared buffers: the program's peak memory, parameters and data left out. */
  readonly peakBytes: number;
  /** The bytes that the intermediate tensors would take without sharing. */
  readonly intermediateBytes: number;
}

/** What a program runs, and where its intermediate tensors live. */
export interface Plan extends MemoryPlan {
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

/** Tells when each intermediate tensor is alive. */
export function lifetimes(
  dispatches: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
): readonly Span[] {
  const alive = new Map<Storage, Span>();
  dispatches.forEach((dispatch, at) => {
    for (const storage of placelessIn(boundTensors(dispatch))) {
      alive.set(storage, { first: at, ...alive.get(storage), storage, last: at });
    }
  });
  for (const storage of outputs) {
    const span = alive.get(storage);
    if (span !== undefined) alive.set(storage, { ...span, last: dispatches.length });
  }
  return [...alive.values()];
}

function placelessIn(tensors: readonly Tensor[]): Set<Storage> {
  const roots = tensors.map(({ storage }) => storage.root);
  return new Set(roots.filter(({ isPlaceless }) => isPlaceless));
}

/** With whom each tensor may not share a buffer while both are alive: where one is read, another written. */
function rivalsIn(dispatches: readonly Dispatch[]): (storage: Storage) => ReadonlySet<Storage> {
  const rivals = new Map<Storage, Set<Storage>>();
  const of = (storage: Storage) => {
    const found = rivals.get(storage) ?? new Set();
    rivals.set(storage, found);
    return found;
  };
  for (const { read, write } of dispatches) {
    const written = placelessIn(write);
    for (const from of placelessIn(read)) {
      for (const to of written) {
        of(from).add(to);
        of(to).add(from);
      }
    }
  }
  return of;
}

/** Where a tensor fits into a buffer beside those that are alive with it, and the bytes that are free there. */
function gapsIn(
  { bytes, tenants }: PlannedBuffer,
  { span: { storage, first, last }, rivals }: { span: Span; rivals: ReadonlySet<Storage> },
): { offset: number; free: number }[] {
  const beside = tenants.filter((tenant) => first <= tenant.last && tenant.first <= last);
  if (beside.some((tenant) => rivals.has(tenant.storage))) return [];
  const gaps: { offset: number; free: number }[] = [];
  let offset = 0;
  for (const tenant of beside.toSorted((a, b) => a.offset - b.offset)) {
    gaps.push({ offset, free: tenant.offset - offset });
    offset = Math.max(offset, align(tenant.offset + tenant.storage.bytes));
  }
  gaps.push({ offset, free: bytes - offset });
  return gaps.filter(({ free }) => free >= storage.bytes);
}

function sumOf(sizes: readonly { readonly bytes: number }[]): number {
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Drops what nothing depends on and gives every intermediate tensor a place in shared buffers. What one dispatch reads
 * and what it writes never share a buffer, since WebGPU counts reads and writes by buffer. Large tensors choose first;
 * each takes the tightest gap that is free all its life.
 *
 * @param recorded The dispatches in the order of recording.
 * @param outputs Storages that must outlive the last dispatch.
 */
export function planMemory(
  recorded: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
): MemoryPlan {
  const dispatches = keepNeeded(recorded, outputs);
  const spans = lifetimes(dispatches, outputs);
  const rivalsOf = rivalsIn(dispatches);
  const buffers: { bytes: number; tenants: (Span & { offset: number })[] }[] = [];
  for (
    const span of spans.toSorted((a, b) => b.storage.bytes - a.storage.bytes || a.first - b.first)
  ) {
    const rivals = rivalsOf(span.storage);
    const gaps = buffers.flatMap((buffer) =>
      gapsIn(buffer, { span, rivals }).map((gap) => ({ ...gap, buffer }))
    );
    const tightest = gaps.toSorted((a, b) => a.free - b.free)[0];
    if (tightest === undefined) {
      buffers.push({ bytes: span.storage.bytes, tenants: [{ ...span, offset: 0 }] });
    } else tightest.buffer.tenants.push({ ...span, offset: tightest.offset });
  }
  return {
    dispatches,
    buffers,
    peakBytes: sumOf(buffers),
    intermediateBytes: sumOf(spans.map(({ storage }) => storage)) +
      sumOf(dispatches.filter(isInPlace).flatMap(({ write }) => write[0]?.storage ?? [])),
  };
}
