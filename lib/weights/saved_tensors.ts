import type { FileTensor } from "./file_tensor.ts";
import { messageOf } from "./message_of.ts";
import { leftOut, wordNames } from "./notes.ts";
import { PickledArray } from "./numpy_pickle.ts";
import { Placeholder, textOf, Tuple, UnreadableTensor, wordValue } from "./pickle_values.ts";
import { PickledTensor } from "./torch_globals.ts";

/** The tensors of a saved Python value. */
export interface SavedTensors {
  /** Tensors by name, nested dicts joined with dots. */
  readonly tensors: Map<string, FileTensor>;
  /** What was said beside them: the epoch. */
  readonly metadata: Record<string, string>;
  /** Which part of the file was taken, and what was left out. */
  readonly notes: string[];
}

type Saved = PickledTensor | PickledArray | UnreadableTensor;

const DEPTH = 32;
const MOST_VISITS = 1_000_000;
/** Under what names programs save a network beside other things, the first that is there counts. */
const NETWORKS = ["state_dict", "model_state_dict", "model", "net", "params"];
/** The names of what holds a moving average of a network, such as `model_ema`. */
const AVERAGE = /(?:^|_)ema(?:_|$)/;
/** The name of the original's running statistics, beside its `params`. */
const STATISTICS = "stats";
/** What the names of a student's tensors begin with beside a teacher's, inside wrappers of PyTorch. */
const STUDENT = /^(?:(?:module|_orig_mod)\.)*student\./;

/** A part of a saved value. */
interface Part {
  /** What it holds. */
  readonly values: readonly unknown[];
  /** Its name, `null` for the whole. */
  readonly name: string | null;
  /** The names of what lies beside it. */
  readonly beside: readonly string[];
}

/**
 * Finds the network in a value that Python saved: in the `state_dict` of a checkpoint, in the original's
 * `{params, stats, optimizer, epoch}`, or in a bare dict. Of a student and its teacher the student is taken, and a
 * moving average only where it is alone.
 *
 * @param root The value.
 * @param options.limit The bytes that all tensors together may take.
 * @param options.take The name of the part to take instead: an entry of the dict, or the first part of names.
 * @throws {Error} If there is no such part, it holds no tensors, or too many, or one cannot be read; the message names
 * it.
 */
export function savedTensors(
  root: unknown,
  { limit, take }: { limit: number; take?: string | undefined },
): SavedTensors {
  const isEntry = root instanceof Map && take !== undefined && root.has(take);
  const part = isEntry ? partOf(root, take) : networkOf(root);
  const left = [...part.beside];
  const found = flatten(part.values, left);
  const prefix = take === undefined || isEntry ? studentOf(found) : `${take}.`;
  const taken = prefix === null ? found : startingWith(found, prefix);
  if (taken.size === 0) {
    const place = take ?? part.name;
    throw new TypeError(
      `wanted tensors${place === null ? "" : ` in ${place}`}, found ${
        isEntry ? wordValue(root.get(take)) : wordNames(namesOf(root)) || wordValue(root)
      }`,
    );
  }
  const metadata: Record<string, string> = {};
  const epoch = root instanceof Map ? root.get("epoch") : undefined;
  if (typeof epoch === "number") metadata["epoch"] = String(epoch);
  const notes: string[] = [];
  if (part.name !== null) {
    notes.push(`took ${part.name}${left.length > 0 ? `, left out ${wordNames(left)}` : ""}`);
  } else notes.push(...leftOut(left));
  if (prefix !== null && found.size > taken.size) {
    notes.push(`took ${prefix}*, left out ${found.size - taken.size} beside it`);
  }
  return { tensors: materialise(taken, limit), metadata, notes };
}

function partOf(root: Map<unknown, unknown>, key: string): Part {
  const value = root.get(key);
  refuseObject(value, key);
  const isOriginal = key === "params" && root.has(STATISTICS);
  return {
    values: isOriginal ? [value, root.get(STATISTICS)] : [value],
    name: isOriginal ? `${key} and ${STATISTICS}` : key,
    beside: namesOf(root).filter((name) => name !== key && !(isOriginal && name === STATISTICS)),
  };
}

function networkOf(root: unknown): Part {
  refuseObject(root, null);
  if (!(root instanceof Map)) return { values: [root], name: null, beside: [] };
  const hasTensor = tensorFinder();
  const filled = namesOf(root).filter((name) => hasTensor(root.get(name)));
  const key = NETWORKS.find((name) => filled.includes(name) && !isSaved(root.get(name))) ??
    averageOf(filled);
  if (key !== undefined) return partOf(root, key);
  for (const name of namesOf(root)) {
    const value = root.get(name);
    const isNetwork = value instanceof Placeholder && (value.isModule || NETWORKS.includes(name));
    if (isNetwork) refuseObject(value, name);
  }
  return { values: [root], name: null, beside: [] };
}

/** A moving average that has no other tensors beside it than an optimizer's. */
function averageOf(filled: readonly string[]): string | undefined {
  const isAlone = filled.every((name) => AVERAGE.test(name) || name.includes("optim"));
  return isAlone ? filled.find((name) => AVERAGE.test(name)) : undefined;
}

function refuseObject(value: unknown, name: string | null): void {
  if (!(value instanceof Placeholder)) return;
  const place = name === null ? "" : ` in ${name}`;
  throw new TypeError(
    value.isModule
      ? `wanted tensors${place}, found a whole pickled network, ${value.name}, whose code is not run; save it anew in ` +
        "PyTorch: torch.save(model.state_dict(), path)"
      : `wanted tensors${place}, found ${value.name}; only tensors and plain data are read, nothing is run`,
  );
}

function isSaved(value: unknown): value is Saved {
  return value instanceof PickledTensor || value instanceof UnreadableTensor ||
    (value instanceof PickledArray && !value.isOther);
}

function namesOf(value: unknown): string[] {
  return value instanceof Map ? [...value.keys()].map(wordKey) : [];
}

function entriesOf(value: unknown): Iterable<[unknown, unknown]> {
  const items = value instanceof Tuple ? value.items : value;
  return items instanceof Map || Array.isArray(items) ? items.entries() : [];
}

/** Looks for tensors in values, however they share parts or hold themselves; what has none is looked at once. */
function tensorFinder(): (value: unknown) => boolean {
  const known = new Map<unknown, boolean>();
  return (root) => {
    const seen = new Set<unknown>();
    const waiting = [root];
    while (waiting.length > 0) {
      const value = waiting.pop();
      if (isSaved(value) || known.get(value) === true) {
        known.set(root, true);
        return true;
      }
      if (known.has(value) || seen.has(value)) continue;
      seen.add(value);
      for (const [, item] of entriesOf(value)) {
        if (typeof item === "object" && item !== null) waiting.push(item);
      }
    }
    for (const value of seen) known.set(value, false);
    return false;
  };
}

/** Collects the tensors by name; `left` gets the names of the rest. */
function flatten(roots: readonly unknown[], left: string[]): Map<string, Saved> {
  const found = new Map<string, Saved>();
  const hasTensor = tensorFinder();
  const above = new Set<unknown>();
  let visits = 0;
  const visit = (value: unknown, name: string): void => {
    if (++visits > MOST_VISITS || above.size > DEPTH) {
      throw new RangeError(
        `dicts must be nested at most ${DEPTH} deep, found more at ${short(name)}`,
      );
    }
    if (isSaved(value)) {
      if (found.has(name)) throw new RangeError(`each name must occur once, found ${name} twice`);
      found.set(name, value);
    } else if (above.has(value) || !hasTensor(value)) {
      if (name !== "") left.push(name);
    } else {
      above.add(value);
      for (const [key, item] of entriesOf(value)) {
        visit(item, name === "" ? wordKey(key) : `${name}.${wordKey(key)}`);
      }
      above.delete(value);
    }
  };
  for (const root of roots) visit(root, "");
  return found;
}

function short(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}...` : name;
}

function wordKey(key: unknown): string {
  return textOf(key) ?? (typeof key === "number" ? String(key) : "?");
}

function studentOf(tensors: ReadonlyMap<string, Saved>): string | null {
  const [prefix = null] = [...tensors.keys()].flatMap((name) => STUDENT.exec(name)?.[0] ?? []);
  return prefix;
}

/** The entries whose names begin with a prefix, without it. */
export function startingWith<T>(
  tensors: ReadonlyMap<string, T>,
  prefix: string,
): Map<string, T> {
  const found = [...tensors].filter(([name]) => name.startsWith(prefix));
  return new Map(found.map(([name, tensor]) => [name.slice(prefix.length), tensor]));
}

function materialise(saved: Map<string, Saved>, limit: number): Map<string, FileTensor> {
  let total = 0;
  return new Map(Array.from(saved, ([name, value]) => {
    total += value.size;
    if (!(total <= limit)) {
      throw new RangeError(
        `${name} and the tensors before it take ${total} bytes; a file of this size may have ${limit}`,
      );
    }
    try {
      return [name, value instanceof PickledArray ? value.tensor : value.tensor()];
    } catch (cause) {
      throw new RangeError(`${name}: ${messageOf(cause)}`, { cause });
    }
  }));
}
