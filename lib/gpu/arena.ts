import type { Gpu } from "./device.ts";
import { type Layout, storedBytes } from "./layout.ts";
import { align, Storage } from "./storage.ts";
import { Tensor } from "./tensor.ts";

/** What one tensor of an arena is. */
export interface ArenaEntry {
  /** The name in errors and captures. */
  readonly label: string;
  /** The sizes. */
  readonly shape: readonly number[];
  /** How the numbers lie. */
  readonly layout: Layout;
}

/** Many tensors in one buffer, so that one dispatch can go over all of them. */
export interface Arena {
  /** The whole buffer as one flat tensor, gaps of zeros included. */
  readonly whole: Tensor;
  /** The tensors, in the order of their entries. */
  readonly tensors: readonly Tensor[];
}

/** Makes an arena of zeros. */
export function createArena(
  gpu: Gpu,
  { label, entries }: { label: string; entries: readonly ArenaEntry[] },
): Arena {
  const sizes = entries.map(({ shape, layout }) => storedBytes({ shape, layout, dtype: "f32" }));
  const bytes = Math.max(align(1), sizes.reduce((sum, size) => sum + align(size), 0));
  const whole = gpu.zeros([bytes / 4], { label });
  let offset = 0;
  const tensors = entries.map(({ label, shape, layout }, at) => {
    const size = sizes[at] ?? 0;
    const storage = new Storage(label, size).sliceOf(whole.storage, offset);
    offset += align(size);
    return new Tensor(gpu, shape, storage, "f32", layout);
  });
  return { whole, tensors };
}

/**
 * Places intermediate tensors side by side in one buffer, laid out as {@link createArena} would, and returns that
 * buffer as one flat tensor; `null` where that cannot be: one of them has a place already, or appears twice.
 *
 * @param options.into A buffer of that size to place them in. Default: an intermediate one.
 */
export function gather(
  tensors: readonly Tensor[],
  { label, into }: { label: string; into?: Tensor },
): Tensor | null {
  const storages = new Set(tensors.map(({ storage }) => storage));
  const gpu = tensors[0]?.gpu;
  if (gpu === undefined || storages.size < tensors.length) return null;
  for (const storage of storages) if (!storage.isPlaceless || storage.root !== storage) return null;
  const bytes = tensors.reduce((sum, { storage }) => sum + align(storage.bytes), 0);
  const whole = into ?? gpu.empty([bytes / 4], { label });
  let offset = 0;
  for (const storage of storages) {
    storage.sliceOf(whole.storage, offset);
    offset += align(storage.bytes);
  }
  return whole;
}
