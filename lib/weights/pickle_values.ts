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

/**
 * What stands in a pickle for an object of a class, or the result of a function, that is neither tensors nor plain
 * data. It does nothing: it keeps no arguments, items or state, and only says what it stands for.
 */
export class Placeholder implements Stateful {
  #isModule: boolean;

  /** @param name The class or function in Python. */
  constructor(readonly name: string) {
    this.#isModule = name.startsWith("__torch__.");
  }

  /** Whether it is a `torch.nn.Module`, or one of TorchScript: a whole network with its code. */
  get isModule(): boolean {
    return this.#isModule;
  }

  /** Looks whether the state is that of a `torch.nn.Module`, and forgets it. */
  setState(state: unknown): void {
    if (state instanceof Map && state.has("_modules") && state.has("_parameters")) {
      this.#isModule = true;
    }
  }
}

/** A class or function that is neither of tensors nor of plain data; calling it makes a {@link Placeholder}. */
export function unknownGlobal(name: string): PickleGlobal {
  const shown = printable(name);
  return new PickleGlobal(shown, () => new Placeholder(shown));
}

/** A tensor that is there, but of numbers that cannot be read; an error only where it is wanted. */
export class UnreadableTensor {
  /** @param what What it holds, such as `torch.ComplexFloatStorage`. */
  constructor(readonly what: string) {}

  /** The bytes that it takes here. */
  readonly size = 0;

  /**
   * Refuses to be read.
   *
   * @throws {TypeError} Always; the message says what it holds.
   */
  tensor(): never {
    throw new TypeError(`must hold real or whole numbers, found ${this.what}`);
  }
}

/** The beginning of a text on one line, for messages. */
export function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]+/g, "?");
}

/** Whether a value takes a state. */
export function isStateful(value: unknown): value is Stateful {
  return typeof value === "object" && value !== null &&
    typeof Reflect.get(value, "setState") === "function";
}

/** What a pickle's names and persistent ids mean. */
export interface PickleHost {
  /** The functions and classes that are known, by `module.name`; what any other makes is a {@link Placeholder}. */
  readonly globals: ReadonlyMap<string, PickleGlobal>;
  /** Resolves a persistent id. */
  readonly persistent?: (id: unknown) => unknown;
}

/** Words a value as an error shows it. */
export function wordValue(value: unknown): string {
  if (value instanceof Tuple) return `a tuple of ${value.items.length}`;
  if (value instanceof Map) return `a dict of ${value.size}`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof PickleGlobal || value instanceof Placeholder) return value.name;
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "string") return JSON.stringify(value.slice(0, 40));
  if (value === null) return "None";
  return typeof value === "object" ? value.constructor.name : String(value);
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
