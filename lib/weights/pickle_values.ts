/** A tuple, apart from a list so that a key can be told from it. */
export class Tuple {
  /** @param items What it holds. */
  constructor(readonly items: readonly unknown[]) {}
}

/** A function or class that a pickle may ask for: it makes a value of ours and runs nothing of Python's. */
export class PickleGlobal {
  /**
   * @param name Its name in Python.
   * @param make Makes a value of what it is called with; without it, it cannot be called.
   */
  constructor(readonly name: string, readonly make?: (args: readonly unknown[]) => unknown) {}
}

/** A value that takes its state after it was made. */
export interface Stateful {
  /** Takes the state. */
  setState(state: unknown): void;
}

/** Whether a value takes a state. */
export function isStateful(value: unknown): value is Stateful {
  return typeof value === "object" && value !== null &&
    typeof Reflect.get(value, "setState") === "function";
}

/** What a pickle's names and persistent ids mean. */
export interface PickleHost {
  /** The functions and classes that may be asked for, by `module.name`. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** Resolves a persistent id. */
  readonly persistent?: (id: unknown) => unknown;
}

/** Words a value as an error shows it. */
export function wordValue(value: unknown): string {
  if (value instanceof Tuple) return `a tuple of ${value.items.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof PickleGlobal) return value.name;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  return typeof value === "object" && value !== null ? value.constructor.name : String(value);
}

/**
 * Reads a text: Python 2 wrote its strings as bytes.
 *
 * @returns `undefined` for anything else.
 */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value instanceof Uint8Array ? new TextDecoder("latin1").decode(value) : undefined;
}
