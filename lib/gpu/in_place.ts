import { bytesMoved, type Dispatch } from "./kernel.ts";
import { lifetimes } from "./plan.ts";
import type { Storage } from "./storage.ts";

/**
 * Lets dispatches write their first result where a tensor lies that they are the last to read, where their kernels can.
 * A binding is either read or written, so such a tensor is bound as the result alone, and another one that is read stands
 * in at its own binding. Both are intermediate tensors of the same bytes, the result one that nothing has touched before.
 *
 * @param dispatches Dispatches that are all needed, in order; the storage of each such result becomes part of the other.
 * @param outputs Storages whose values are needed after the last dispatch.
 */
export function writeInPlace(
  dispatches: readonly Dispatch[],
  outputs: ReadonlySet<Storage>,
): Dispatch[] {
  const alive = new Map(lifetimes(dispatches, outputs).map((span) => [span.storage, span]));
  return dispatches.map((dispatch, at) => {
    const { kernel, entry, read, write: [result], constants, fusion: { inPlace = -1 } } = dispatch;
    const over = read[inPlace];
    if (over === undefined || result === undefined) return dispatch;
    const { root } = over.storage;
    const others = read.filter(({ storage }) => storage.root !== root);
    const [standIn] = others;
    const [before, after] = [alive.get(root), alive.get(result.storage)];
    if (before?.last !== at || after?.first !== at || outputs.has(result.storage)) return dispatch;
    if (standIn === undefined || others.length < read.length - 1) return dispatch;
    if (over.dtype !== result.dtype || root.bytes !== result.storage.bytes) return dispatch;
    const merged = kernel.prepare(entry, {
      ...dispatch,
      read: read.with(inPlace, standIn),
      constants: { ...constants, in_place: 1 },
      bytes: bytesMoved(dispatch),
    });
    result.storage.sliceOf(root, 0);
    alive.set(root, { ...before, last: after.last });
    return merged;
  });
}
