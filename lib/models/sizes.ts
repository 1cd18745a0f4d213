import type { NamedTensors } from "../weights/parameter_set.ts";
import { summary } from "../weights/rename.ts";

/**
 * Checks the sizes of a network.
 *
 * @param sizes The sizes.
 * @param options.network What they are of, as in "a ResNet".
 * @param options.names What they are, as in "widths and classes".
 * @throws {RangeError} If one is not a whole number of at least one.
 */
export function wantSizes(
  sizes: readonly number[],
  { network, names }: { network: string; names: string },
): void {
  const wrong = sizes.find((size) => !(Number.isInteger(size) && size >= 1));
  if (wrong === undefined) return;
  throw new RangeError(
    `Cannot size ${network}: ${names} must be whole numbers from 1 on, found ${wrong}`,
  );
}

/**
 * The outputs of a layer, read off the shape of its weights.
 *
 * @param tensors The weights by PyTorch's names.
 * @param name The layer's.
 * @param options.network What they are of, as in "a ResNet".
 * @param options.from The file's name, for the error.
 * @throws {TypeError} If there are no weights of that name.
 */
export function outputsOf(
  tensors: NamedTensors,
  name: string,
  { network, from }: { network: string; from: string },
): number {
  const found = tensors.get(name)?.shape[0];
  if (found !== undefined) return found;
  throw new TypeError(
    `Cannot read the sizes of ${network}: wanted a tensor ${name}, found none in ${from}, which has ${
      summary([...tensors.keys()])
    }`,
  );
}
