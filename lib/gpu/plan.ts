import { boundTensors, type Dispatch, isInPlace } from "./kernel.ts";
import { align, type Storage } from "./storage.ts";
import type { Tensor } from "./tensor.ts";
import { findTexels, type TexelReads, type TexelSpan } from "./texel_plan.ts";
import type { TexelType } from "./texels.ts";

/** When a tensor is alive, as dispatch numbers, both ends included. */
export interface Span {
  /** Its storage. */
  readonly storage: Storage;
  /** The bytes that it takes. */
  readonly bytes: number;
  /** The dispatch that first names it. */
  readonly first: number;
  /** The last that does; one past the last of all for an output. */
  readonly last: number;
}

/** A shared buffer of a plan and the tensors that live in it, one after the other or side by side. */
export interface PlannedBuffer<S extends Span = Span> {
  /** Its size in bytes: that of the largest tensor in it. */
  readonly bytes: number;
  /** The tensors, when each is alive, and from which byte of the buffer on. */
  readonly tenants: readonly (S & { readonly offset: number })[];
}

/** A shared texture of a plan. */
export interface PlannedTexture extends PlannedBuffer<TexelSpan> {
  /** What its texels hold. */
  readonly dtype: TexelType;
}

/** Where every intermediate tensor of a list of dispatches lives. */
export interface MemoryPlan {
  /** The dispatches that something depends on, in order. */
  readonly dispatches: readonly Dispatch[];
  /** The shared buffers. */
  readonly buffers: readonly PlannedBuffer[];
  /** What the dispatches read through textures: nothing, but on a software adapter. */
  readonly texels: TexelReads;
  /** Those textures, shared like the buffers. */
  readonly textures: readonly PlannedTexture[];
  /** The bytes of all shared buffers and textures: the program's peak memory, parameters and data left out. */
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

/** What a dispatch reads through a buffer. */
function readsOf({ read }: Dispatch, at: number, { reads }: TexelReads): Tensor[] {
  return read.filter((_, binding) => !reads[at]?.has(binding));
}

/** Tells when each intermediate tensor is alive in a buffer. One that is read as texels is until it has been copied. */
export function lifetimes(
  dispatches: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
  texels: TexelReads = NO_TEXELS,
): readonly Span[] {
  const alive = new Map<Storage, Span>();
  const touch = (storage: Storage, at: number) => {
    const { bytes } = storage;
    alive.set(storage, { first: at, ...alive.get(storage), storage, bytes, last: at });
  };
  dispatches.forEach((dispatch, at) => {
    const copied = texels.spans.filter(({ first }) => first === at).map(({ storage }) => storage);
    for (const storage of rootsOf(copied)) touch(storage, at - 1);
    const tensors = [...readsOf(dispatch, at, texels), ...dispatch.write];
    for (const storage of placelessIn(tensors)) touch(storage, at);
  });
  for (const storage of outputs) {
    const span = alive.get(storage);
    if (span !== undefined) alive.set(storage, { ...span, last: dispatches.length });
  }
  return [...alive.values()];
}

const NO_TEXELS: TexelReads = { spans: [], reads: [] };

/** The storages to place that some belong to. */
function rootsOf(storages: readonly Storage[]): Set<Storage> {
  return new Set(storages.map(({ root }) => root).filter(({ isPlaceless }) => isPlaceless));
}

function placelessIn(tensors: readonly Tensor[]): Set<Storage> {
  return rootsOf(tensors.map(({ storage }) => storage));
}

/** With whom each tensor may not share a buffer while both are alive: where one is read, another written. */
function rivalsIn(
  dispatches: readonly Dispatch[],
  texels: TexelReads,
): (storage: Storage) => ReadonlySet<Storage> {
  const rivals = new Map<Storage, Set<Storage>>();
  const of = (storage: Storage) => {
    const found = rivals.get(storage) ?? new Set();
    rivals.set(storage, found);
    return found;
  };
  for (const [at, dispatch] of dispatches.entries()) {
    const written = placelessIn(dispatch.write);
    for (const from of placelessIn(readsOf(dispatch, at, texels))) {
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
  { span, rivals }: { span: Span; rivals: ReadonlySet<Storage> },
): { offset: number; free: number }[] {
  const { first, last } = span;
  const beside = tenants.filter((tenant) => first <= tenant.last && tenant.first <= last);
  if (beside.some((tenant) => rivals.has(tenant.storage))) return [];
  const gaps: { offset: number; free: number }[] = [];
  let offset = 0;
  for (const tenant of beside.toSorted((a, b) => a.offset - b.offset)) {
    gaps.push({ offset, free: tenant.offset - offset });
    offset = Math.max(offset, align(tenant.offset + tenant.bytes));
  }
  gaps.push({ offset, free: bytes - offset });
  return gaps.filter(({ free }) => free >= span.bytes);
}

/** Gives every span a place. Large ones choose first; each takes the tightest gap that is free all its life. */
function share<S extends Span>(
  spans: readonly S[],
  rivalsOf: (storage: Storage) => ReadonlySet<Storage>,
): PlannedBuffer<S>[] {
  const buffers: { bytes: number; tenants: (S & { offset: number })[] }[] = [];
  for (const span of spans.toSorted((a, b) => b.bytes - a.bytes || a.first - b.first)) {
    const rivals = rivalsOf(span.storage);
    const gaps = buffers.flatMap((buffer) =>
      gapsIn(buffer, { span, rivals }).map((gap) => ({ ...gap, buffer }))
    );
    const tightest = gaps.toSorted((a, b) => a.free - b.free)[0];
    if (tightest === undefined) {
      buffers.push({ bytes: span.bytes, tenants: [{ ...span, offset: 0 }] });
    } else tightest.buffer.tenants.push({ ...span, offset: tightest.offset });
  }
  return buffers;
}

const NO_RIVALS: ReadonlySet<Storage> = new Set();

/** Gives the texels of each type their textures. What is copied and read between passes has no rivals. */
function shareTextures({ spans }: TexelReads): PlannedTexture[] {
  return (["f32", "f16"] as const).flatMap((dtype) =>
    share(spans.filter((span) => span.dtype === dtype), () => NO_RIVALS)
      .map((texture) => ({ ...texture, dtype }))
  );
}

function sumOf(sizes: readonly { readonly bytes: number }[]): number {
  return sizes.reduce((sum, { bytes }) => sum + bytes, 0);
}

/**
 * Drops what nothing depends on and gives every intermediate tensor a place in shared buffers. What one dispatch reads
 * and what it writes never share a buffer, since WebGPU counts reads and writes by buffer.
 *
 * @param recorded The dispatches in the order of recording.
 * @param outputs Storages that must outlive the last dispatch.
 * @param options.texelRows The most rows of a texture, where tensors are read through textures. Default: they are not.
 */
export function planMemory(
  recorded: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
  { texelRows }: { texelRows?: number | undefined } = {},
): MemoryPlan {
  const dispatches = keepNeeded(recorded, outputs);
  const texels = texelRows === undefined
    ? NO_TEXELS
    : findTexels(dispatches, { mostRows: texelRows });
  const spans = lifetimes(dispatches, outputs, texels);
  const buffers = share(spans, rivalsIn(dispatches, texels));
  const textures = shareTextures(texels);
  return {
    dispatches,
    buffers,
    textures,
    texels,
    peakBytes: sumOf(buffers) + sumOf(textures),
    intermediateBytes: sumOf(spans.map(({ storage }) => storage)) +
      sumOf(dispatches.filter(isInPlace).flatMap(({ write }) => write[0]?.storage ?? [])),
  };
}
