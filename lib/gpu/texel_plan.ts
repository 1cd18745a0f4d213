import type { Dispatch } from "./kernel.ts";
import type { Span } from "./plan.ts";
import type { Storage } from "./storage.ts";
import { ROW, texelBindings, type TexelType } from "./texels.ts";

/** A tensor's bytes as whole rows of texels: copied from its buffer before the first dispatch of the span. */
export interface TexelSpan extends Span {
  /** What they are. */
  readonly dtype: TexelType;
  /** Its place among all. */
  readonly index: number;
}

/** What dispatches read through textures. */
export interface TexelReads {
  /** What is copied there. */
  readonly spans: readonly TexelSpan[];
  /** The index of what each dispatch reads, by binding. */
  readonly reads: readonly ReadonlyMap<number, number>[];
}

/** Below this, a tensor is read through its buffer: copying it would take longer. */
const LEAST_BYTES = 1024;

/** The bytes of a row of texels. */
export function bytesPerRow(dtype: TexelType): number {
  return ROW * (dtype === "f32" ? 16 : 8);
}

/**
 * Finds what dispatches can read through textures. A tensor is copied once between two of its writers: a large one when
 * it is first read, since buffers for the largest have room to wait in, a small one as soon as it is written.
 *
 * @param dispatches Dispatches that are all needed, in order, none of which writes in place.
 * @param options.mostRows The most rows that a texture of the device has.
 */
export function findTexels(
  dispatches: readonly Dispatch[],
  { mostRows }: { mostRows: number },
): TexelReads {
  const largest = Math.max(
    0,
    ...dispatches.flatMap(({ write }) => write.map(({ storage }) => storage.bytes)),
  );
  const writtenAt = new Map<Storage, number>();
  const copied = new Map<Storage, TexelSpan & { last: number }>();
  const spans: TexelSpan[] = [];
  const reads = dispatches.map(({ kernel, entry, read, write, meeting }, at) => {
    if (meeting !== null) writtenAt.set(meeting.tensor.storage.root, at - 1);
    const found = new Map<number, number>();
    for (const binding of texelBindings(kernel, entry)) {
      const { storage, dtype = "u32" } = read[binding] ?? {};
      if (storage === undefined || dtype === "u32" || storage.bytes < LEAST_BYTES) continue;
      const rows = Math.ceil(storage.bytes / bytesPerRow(dtype));
      if (rows > mostRows) continue;
      const written = writtenAt.get(storage.root) ?? -1;
      let span = copied.get(storage);
      if (span === undefined || span.first <= written) {
        const bytes = rows * bytesPerRow(dtype);
        const waits = written < 0 || storage.bytes >= largest / 8;
        const first = waits ? at : written + 1;
        span = { storage, bytes, dtype, first, last: at, index: spans.length };
        copied.set(storage, span);
        spans.push(span);
      }
      span.last = at;
      found.set(binding, span.index);
    }
    for (const { storage: { root } } of write) writtenAt.set(root, at);
    return found;
  });
  return { spans, reads };
}

/** Appends a copy to an encoder. */
export type TexelCopy = (encoder: GPUCommandEncoder) => void;

/** The copy of a span's bytes, from where they lie now into rows of a texture. */
export function texelCopy(
  { storage, dtype }: TexelSpan,
  { texture, row }: { texture: GPUTexture; row: number },
): TexelCopy {
  const { buffer, offset, size } = storage.range;
  const rowBytes = bytesPerRow(dtype);
  const rows = Math.floor(size / rowBytes);
  const rest = size % rowBytes;
  const parts = [
    { first: 0, extent: [ROW, rows] },
    { first: rows, extent: [rest / rowBytes * ROW, Math.sign(rest)] },
  ].filter(({ extent: [, count] }) => count !== 0);
  return (encoder) => {
    for (const { first, extent } of parts) {
      const source = { buffer, offset: offset + first * rowBytes, bytesPerRow: rowBytes };
      encoder.copyBufferToTexture(source, { texture, origin: [0, row + first] }, extent);
    }
  };
}
