import { type FileTensor, isWhole } from "./file_tensor.ts";

type Tensors = ReadonlyMap<string, FileTensor>;

/** What PyTorch's wrappers and common modules put before the names of the network in them. */
const WRAPPERS = ["module.", "model.", "backbone.", "encoder."];
/** What `torch.compile` puts before the names of what it has compiled, be it the network or a part of it. */
const COMPILED = "_orig_mod";

/**
 * Takes off what stands before the names of a network: `module.`, `_orig_mod.`, `model.`, `backbone.` and `encoder.`,
 * and any other part that all names share, as often as they stand there. Counters go then too.
 *
 * @param tensors Tensors by name.
 * @param isKnown Whether the names are those of a known network.
 * @returns The tensors under shorter names where these are known, otherwise as they are.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const scale = { dtype: "F32", shape: [1], data: new Uint8Array(4) } as const;
 * const names = (name: string) =>
 *   [...peelNames(new Map([[name, scale]]), (tensors) => tensors.has("bn1.weight")).keys()];
 * assert.deepEqual(names("module._orig_mod.net.bn1.weight"), ["bn1.weight"]);
 * assert.deepEqual(names("module.bn2.weight"), ["module.bn2.weight"]);
 * ```
 */
export function peelNames(tensors: Tensors, isKnown: (tensors: Tensors) => boolean): Tensors {
  if (isKnown(tensors)) return tensors;
  const parameters = new Map([...tensors].filter(([name, tensor]) => !isCounter(name, tensor)));
  let peeled: Tensors | undefined = renamed(parameters, withoutCompiled);
  while (peeled !== undefined && !isKnown(peeled)) peeled = withoutPrefix(peeled);
  return peeled ?? tensors;
}

/**
 * Whether a tensor is no part of what a network computes: PyTorch's `num_batches_tracked` and `n_averaged`, an epoch,
 * or any other whole number without a dimension.
 */
export function isCounter(name: string, { dtype, shape }: FileTensor): boolean {
  return name.endsWith(".num_batches_tracked") || (shape.length === 0 && isWhole(dtype));
}

/** Names without a prefix that at least one has; `undefined` where there is none. */
function withoutPrefix(tensors: Tensors): Tensors | undefined {
  const names = [...tensors.keys()];
  const shared = /^[^.]+\./.exec(names[0] ?? "")?.[0];
  const prefix = WRAPPERS.find((wrapper) => names.some((name) => name.startsWith(wrapper))) ??
    (names.every((name) => name.startsWith(shared ?? ".")) ? shared : undefined);
  if (prefix === undefined) return undefined;
  return renamed(
    tensors,
    (name) => name.startsWith(prefix) ? name.slice(prefix.length) : name,
  );
}

function withoutCompiled(name: string): string {
  return name.split(".").filter((part) => part !== COMPILED).join(".");
}

/** The tensors under new names; `undefined` where two would have the same. */
function renamed(tensors: Tensors, rename: (name: string) => string): Tensors | undefined {
  const found = new Map(Array.from(tensors, ([name, tensor]) => [rename(name), tensor]));
  return found.size === tensors.size ? found : undefined;
}
