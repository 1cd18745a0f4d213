import { type FileTensor, floats, isWhole } from "../weights/file_tensor.ts";
import { styleOf } from "../weights/names.ts";
import type { NamedTensors } from "../weights/parameter_set.ts";
import { isCounter, peelNames } from "../weights/peel.ts";
import { isNin } from "./nin_sizes.ts";

/**
 * The tensors of a network under the names that the models here know: without what wrappers put before them, and
 * without counters, which are no part of what it computes.
 *
 * @param tensors A file's tensors.
 * @param options.from The file's name, for errors.
 * @throws {RangeError} If a number is NaN or infinite; the message names the first such tensor.
 */
export function networkTensors(tensors: NamedTensors, { from }: { from: string }): NamedTensors {
  const kept = [...peelNames(tensors, isNetwork)].filter(([name, tensor]) =>
    !isCounter(name, tensor)
  );
  for (const [name, tensor] of kept) wantFinite(name, { tensor, from });
  return new Map(kept);
}

function isNetwork(tensors: NamedTensors): boolean {
  return isNin(tensors) || styleOf(tensors) !== undefined;
}

function wantFinite(
  name: string,
  { tensor, from }: { tensor: FileTensor; from: string },
): void {
  if (isWhole(tensor.dtype)) return;
  const wrong = floats(tensor, `load ${name} from ${from}`).find((value) =>
    !Number.isFinite(value)
  );
  if (wrong === undefined) return;
  throw new RangeError(`Cannot load weights: ${name} must be finite, found ${wrong} in ${from}`);
}
