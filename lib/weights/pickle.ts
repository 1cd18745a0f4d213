import { messageOf } from "./message_of.ts";
import { PickleReader } from "./pickle_reader.ts";
import {
  isStateful,
  PickleGlobal,
  type PickleHost,
  Placeholder,
  textOf,
  Tuple,
  unknownGlobal,
  wordValue,
} from "./pickle_values.ts";

const MOST_STEPS = 2_000_000;
const MARK = Symbol("mark");

/** A pickle that was read. */
export interface Unpickled {
  /** The value: lists and sets are arrays, dicts maps, old strings and bytes `Uint8Array`. */
  readonly value: unknown;
  /** The first byte after it. */
  readonly end: number;
}

/**
 * Reads one pickle, protocols 0 to 5, without running anything: what a class or function that the host does not know
 * would make is a {@linkcode Placeholder}.
 *
 * @param bytes The memory that it lies in.
 * @param options Where it begins, and what its names mean.
 * @throws {Error} If it is damaged; the message says at which byte.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { Placeholder } from "./pickle_values.ts";
 *
 * const evil = new TextEncoder().encode("cos\nsystem\n(S'true'\ntR.");
 * assert.deepEqual(unpickle(evil, { host: { globals: new Map() } }).value, new Placeholder("os.system"));
 * ```
 */
export function unpickle(
  bytes: Uint8Array,
  { start = 0, host }: { start?: number; host: PickleHost },
): Unpickled {
  const machine = new Machine(new PickleReader(bytes, start), host);
  const from = { at: start };
  try {
    return { value: machine.run(from), end: machine.reader.at };
  } catch (cause) {
    throw new TypeError(`the pickle at byte ${from.at} ${messageOf(cause)}`, { cause });
  }
}

/** The stack machine that a pickle is a program of. */
class Machine {
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();

  constructor(readonly reader: PickleReader, readonly host: PickleHost) {}

  run(from: { at: number }): unknown {
    for (let steps = 0; steps < MOST_STEPS; steps++) {
      from.at = this.reader.at;
      const code = this.reader.byte();
      if (code === STOP) return this.#pop();
      const step = STEPS[code];
      if (step === undefined) {
        throw new SyntaxError(
          `must have a known instruction, found 0x${code.toString(16).padStart(2, "0")}`,
        );
      }
      step(this);
    }
    throw new RangeError(`must end within ${MOST_STEPS} instructions, found more`);
  }

  push(value: unknown): void {
    this.#stack.push(value);
  }

  pushMark(): void {
    this.#stack.push(MARK);
  }

  pop(): unknown {
    return this.#pop();
  }

  popToMark(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) throw new SyntaxError("must have a mark here, found none");
    const items = this.#stack.splice(mark + 1);
    this.#stack.pop();
    return items;
  }

  top(): unknown {
    const value = this.#stack.at(-1);
    if (value === undefined || value === MARK) {
      throw new SyntaxError("must have a value on its stack here, found none");
    }
    return value;
  }

  get(index: number): void {
    if (!this.#memo.has(index)) throw new SyntaxError(`must have memo ${index}, found none`);
    this.#stack.push(this.#memo.get(index));
  }

  put(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.put(this.#memo.size);
  }

  append(items: readonly unknown[]): void {
    const list = this.top();
    if (list instanceof Placeholder) return;
    if (!Array.isArray(list)) {
      throw new TypeError(`must append to a list, found ${wordValue(list)}`);
    }
    for (const item of items) list.push(item);
  }

  setItems(items: readonly unknown[]): void {
    const dict = this.top();
    if (dict instanceof Placeholder) return;
    if (!(dict instanceof Map) || items.length % 2 !== 0) {
      throw new TypeError(`must set items of a dict, found ${wordValue(dict)}`);
    }
    for (let at = 0; at < items.length; at += 2) dict.set(keyOf(items[at]), items[at + 1]);
  }

  global(module: string, name: string): void {
    const full = `${module}.${name}`;
    this.#stack.push(this.host.globals.get(full) ?? unknownGlobal(full));
  }

  stackGlobal(): void {
    const [name, module] = [textOf(this.#pop()), textOf(this.#pop())];
    if (name === undefined || module === undefined) {
      throw new TypeError("must name a global by two texts, found something else");
    }
    this.global(module, name);
  }

  reduce(): void {
    const args = this.#pop();
    const callee = this.#pop();
    if (!(args instanceof Tuple)) {
      throw new TypeError(`must call a global with a tuple, found ${wordValue(args)}`);
    }
    this.call(callee, args.items);
  }

  call(callee: unknown, args: readonly unknown[]): void {
    // `getattr` and `functools.partial` make an inert object that a pickle then calls.
    if (callee instanceof Placeholder) this.#stack.push(new Placeholder(callee.name));
    else if (!(callee instanceof PickleGlobal)) {
      throw new TypeError(`must call a global with a tuple, found ${wordValue(callee)}`);
    } else if (callee.make === undefined) {
      throw new TypeError(`must not call ${callee.name}, found a call`);
    } else this.#stack.push(callee.make(args) ?? null);
  }

  build(): void {
    const state = this.#pop();
    const target = this.top();
    if (isStateful(target)) target.setState(state);
    // an OrderedDict's attributes, such as PyTorch's _metadata, are not needed
    else if (!(target instanceof Map)) {
      throw new TypeError(`must not set the state of ${wordValue(target)}, found that it does`);
    }
  }

  persistent(id: unknown): void {
    if (this.host.persistent === undefined) {
      throw new TypeError("must have no persistent ids, found one");
    }
    this.#stack.push(this.host.persistent(id));
  }

  #pop(): unknown {
    const value = this.top();
    this.#stack.pop();
    return value;
  }
}

function keyOf(key: unknown): unknown {
  return textOf(key) ?? key;
}

const code = (character: string): number => character.charCodeAt(0);
const STOP = code(".");

const STEPS: Readonly<Record<number, (machine: Machine) => void>> = {
  [0x80]: ({ reader }) => reader.protocol(),
  [0x95]: ({ reader }) => void reader.take(8),
  [code("(")]: (m) => m.pushMark(),
  [code("0")]: (m) => void m.pop(),
  [code("1")]: (m) => void m.popToMark(),
  [code("2")]: (m) => m.push(m.top()),
  [code("N")]: (m) => m.push(null),
  [0x88]: (m) => m.push(true),
  [0x89]: (m) => m.push(false),
  [code("I")]: (m) => m.push(m.reader.textInteger()),
  [code("L")]: (m) => m.push(m.reader.textInteger()),
  [code("F")]: (m) => m.push(Number(m.reader.line())),
  [code("G")]: (m) => m.push(m.reader.double()),
  [code("J")]: (m) => m.push(m.reader.int32()),
  [code("K")]: (m) => m.push(m.reader.byte()),
  [code("M")]: (m) => m.push(m.reader.size(2)),
  [0x8a]: (m) => m.push(m.reader.long(m.reader.byte())),
  [0x8b]: (m) => m.push(m.reader.long(m.reader.size(4))),
  [code("S")]: (m) => m.push(m.reader.quoted()),
  [code("T")]: (m) => m.push(m.reader.take(m.reader.size(4))),
  [code("U")]: (m) => m.push(m.reader.take(m.reader.byte())),
  [code("V")]: (m) => m.push(m.reader.line()),
  [code("X")]: (m) => m.push(m.reader.text(m.reader.size(4))),
  [0x8c]: (m) => m.push(m.reader.text(m.reader.byte())),
  [0x8d]: (m) => m.push(m.reader.text(m.reader.size(8))),
  [code("B")]: (m) => m.push(m.reader.take(m.reader.size(4))),
  [code("C")]: (m) => m.push(m.reader.take(m.reader.byte())),
  [0x8e]: (m) => m.push(m.reader.take(m.reader.size(8))),
  [0x96]: (m) => m.push(m.reader.take(m.reader.size(8))),
  [code("]")]: (m) => m.push([]),
  [code("l")]: (m) => m.push(m.popToMark()),
  [code("a")]: (m) => {
    const item = m.pop();
    m.append([item]);
  },
  [code("e")]: (m) => {
    const items = m.popToMark();
    m.append(items);
  },
  [code("}")]: (m) => m.push(new Map()),
  [code("d")]: (m) => {
    const items = m.popToMark();
    m.push(new Map());
    m.setItems(items);
  },
  [code("s")]: (m) => {
    const [value, key] = [m.pop(), m.pop()];
    m.setItems([key, value]);
  },
  [code("u")]: (m) => {
    const items = m.popToMark();
    m.setItems(items);
  },
  [code(")")]: (m) => m.push(new Tuple([])),
  [code("t")]: (m) => m.push(new Tuple(m.popToMark())),
  [0x85]: (m) => m.push(new Tuple([m.pop()])),
  [0x86]: (m) => m.push(new Tuple([m.pop(), m.pop()].reverse())),
  [0x87]: (m) => m.push(new Tuple([m.pop(), m.pop(), m.pop()].reverse())),
  [0x8f]: (m) => m.push([]),
  [0x90]: (m) => {
    const items = m.popToMark();
    m.append(items);
  },
  [0x91]: (m) => m.push(m.popToMark()),
  [code("c")]: (m) => m.global(m.reader.line(), m.reader.line()),
  [code("i")]: (m) => {
    m.global(m.reader.line(), m.reader.line());
    const callee = m.pop();
    m.call(callee, m.popToMark());
  },
  [code("o")]: (m) => {
    const [callee, ...args] = m.popToMark();
    m.call(callee, args);
  },
  [0x92]: (m) => {
    m.pop();
    m.reduce();
  },
  [0x93]: (m) => m.stackGlobal(),
  [code("R")]: (m) => m.reduce(),
  [0x81]: (m) => m.reduce(),
  [code("b")]: (m) => m.build(),
  [code("P")]: (m) => m.persistent(m.reader.line()),
  [code("Q")]: (m) => m.persistent(m.pop()),
  [code("g")]: (m) => m.get(Number(m.reader.line())),
  [code("h")]: (m) => m.get(m.reader.byte()),
  [code("j")]: (m) => m.get(m.reader.size(4)),
  [code("p")]: (m) => m.put(Number(m.reader.line())),
  [code("q")]: (m) => m.put(m.reader.byte()),
  [code("r")]: (m) => m.put(m.reader.size(4)),
  [0x94]: (m) => m.memoize(),
};
