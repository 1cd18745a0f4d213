import type { FileTensor } from "./file_tensor.ts";
import { messageOf } from "./message_of.ts";
import { PickledArray } from "./numpy_pickle.ts";
import { textOf, Tuple } from "./pickle_values.ts";
import { PickledTensor } from "./torch_globals.ts";

/** The tensors of a saved Python value. */
export interface SavedTensors {
  /** Tensors by name, nested dicts joined with dots. */
  readonly tensors: Map<string, FileTensor>;
  /** What was said beside them: the epoch, and which part of the file was taken. */
  readonly metadata: Record<string, string>;
}

type Saved = PickledTensor | PickledArray;

const DEPTH = 32;
const MOST_VISITS = 1_000_000;
/** Under what names programs save a network beside other things; the original's come first. */
const NETWORKS = ["params", "state_dict", "model_state_dict", "model", "net"];

/**
 * Finds the network in a value that Python saved: in the original's `{params, stats, optimizer, epoch}`, in the
 * `state_dict` of a checkpoint, or in a bare dict. Of a student and its teacher the student is taken.
 *
 * @param root The value.
 * @param options.limit The bytes that all tensors together may take.
 * @throws {Error} If there are too many tensors, or one does not lie in its storage; the message names it.
 */
export function savedTensors(root: unknown, { limit }: { limit: number }): SavedTensors {
  const { parts, value } = networkOf(root);
  const found = parts.length === 0
    ? flatten(value)
    : new Map(parts.flatMap((part) => [...flatten(part)]));
  const all = withoutWrapper(found);
  const student = [...all].filter(([name]) => name.startsWith(STUDENT));
  const taken = student.length === 0
    ? all
    : new Map(student.map(([name, tensor]) => [name.slice(STUDENT.length), tensor]));
  const metadata: Record<string, string> = {};
  const epoch = root instanceof Map ? root.get("epoch") : undefined;
  if (typeof epoch === "number") metadata["epoch"] = String(epoch);
  if (student.length > 0 && all.size > student.length) {
    metadata["left"] = `${all.size - student.length} tensors beside ${STUDENT}*`;
  }
  return { tensors: materialise(taken, limit), metadata };
}

const STUDENT = "student.";

function networkOf(root: unknown): { parts: unknown[]; value: unknown } {
  if (!(root instanceof Map)) return { parts: [], value: root };
  const name = NETWORKS.find((key) => root.get(key) instanceof Map && hasTensor(root.get(key)));
  if (name === undefined) return { parts: [], value: root };
  return { parts: [root.get(name), ...name === "params" ? [root.get("stats")] : []], value: null };
}

function isSaved(value: unknown): value is Saved {
  return value instanceof PickledTensor || value instanceof PickledArray;
}

function hasTensor(value: unknown): boolean {
  return value instanceof Map &&
    [...value.values()].some((item) => isSaved(item) || hasTensor(item));
}

function flatten(root: unknown): Map<string, Saved> {
  const found = new Map<string, Saved>();
  let visits = 0;
  const visit = (value: unknown, name: string, depth: number): void => {
    if (++visits > MOST_VISITS || depth > DEPTH) {
      throw new RangeError(
        `dicts must be nested at most ${DEPTH} deep, found more at ${short(name)}`,
      );
    }
    if (isSaved(value)) {
      if (found.has(name)) throw new RangeError(`each name must occur once, found ${name} twice`);
      found.set(name, value);
      return;
    }
    const items = value instanceof Tuple ? value.items : value;
    const entries = items instanceof Map || Array.isArray(items) ? items.entries() : [];
    for (const [key, item] of entries) {
      if (typeof item !== "object" || item === null) continue;
      visit(item, name === "" ? wordKey(key) : `${name}.${wordKey(key)}`, depth + 1);
    }
  };
  visit(root, "", 0);
  return found;
}

function short(name: string): string {
  return name.length > 60 ? `${name.slice(0, 57)}...` : name;
}

function wordKey(key: unknown): string {
  return textOf(key) ?? (typeof key === "number" ? String(key) : "?");
}

/** `nn.DataParallel` puts its own name before every other. */
function withoutWrapper(tensors: Map<string, Saved>): Map<string, Saved> {
  const wrapper = "module.";
  const isWrapped = tensors.size > 0 &&
    [...tensors.keys()].every((name) => name.startsWith(wrapper));
  if (!isWrapped) return tensors;
  return new Map(Array.from(tensors, ([name, tensor]) => [name.slice(wrapper.length), tensor]));
}

function materialise(saved: Map<string, Saved>, limit: number): Map<string, FileTensor> {
  let total = 0;
  return new Map(Array.from(saved, ([name, value]) => {
    total += value instanceof PickledTensor ? value.size : value.tensor.data.length;
    if (!(total <= limit)) {
      throw new RangeError(
        `${name} and the tensors before it take ${total} bytes; a file of this size may have ${limit}`,
      );
    }
    try {
      return [name, value instanceof PickledTensor ? value.tensor() : value.tensor];
    } catch (cause) {
      throw new RangeError(`${name}: ${messageOf(cause)}`, { cause });
    }
  }));
}
