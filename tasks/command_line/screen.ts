import type { Buffer } from "node:buffer";
import { Writable } from "node:stream";
import { messageOf } from "../../lib/weights/message_of.ts";

/** Where a screen's bytes go: `Deno.stderr`, `Deno.stdout`, or what stands for them in a test. */
export interface Sink {
  /** Writes some of the bytes, at least one, and returns how many; throws where it cannot. */
  writeSync(bytes: Uint8Array): number;
  /** Whether it is a terminal. */
  isTerminal(): boolean;
}

/** How often, and after how many milliseconds each time, a sink that is busy is tried again. */
const BUSY = { tries: 100, milliseconds: 10 };

/**
 * An output that never ends a command: what cannot be written, to a reader that has gone, a terminal that was closed or
 * a disk that is full, is dropped. Each write is tried anew, since a disk may have room again.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const full = {
 *   writeSync: (): number => {
 *     throw new Error("No space left on device");
 *   },
 *   isTerminal: () => false,
 * };
 * const screen = new Screen(full);
 * screen.write("epoch 1\n");
 * assert.equal(screen.put("epoch 2\n")?.message, "No space left on device");
 * ```
 */
export class Screen extends Writable {
  /** Whether it is a terminal. */
  readonly isTTY: boolean;
  #hasFailed = false;

  /**
   * Writes to a sink.
   *
   * @param sink Where the bytes go.
   * @param onFault Told once why something was dropped, unless the reader has gone, who wants no more.
   */
  constructor(
    private readonly sink: Sink,
    private readonly onFault: (fault: Error) => void = () => {},
  ) {
    super();
    this.isTTY = sink.isTerminal();
  }

  /** The width of the terminal, in characters. */
  get columns(): number {
    try {
      return Deno.consoleSize().columns;
    } catch {
      return 80; // No terminal, or it was closed.
    }
  }

  /**
   * Writes a text.
   *
   * @param text The text, with its line end.
   * @returns Why it did not arrive whole, `null` if it did.
   */
  put(text: string): Error | null {
    return this.#put(new TextEncoder().encode(text));
  }

  #put(bytes: Uint8Array): Error | null {
    try {
      writeAll(this.sink, bytes);
      return null;
    } catch (error) {
      const fault = error instanceof Error ? error : new Error(messageOf(error));
      if (!this.#hasFailed && !hasReaderGone(fault)) {
        this.#hasFailed = true;
        this.onFault(fault);
      }
      return fault;
    }
  }

  /** Writes what the stream is given; nothing is ever an error. */
  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#put(bytes);
    done();
  }
}

function writeAll(sink: Sink, bytes: Uint8Array): void {
  let tries = 0;
  for (let at = 0; at < bytes.length;) {
    try {
      at += sink.writeSync(bytes.subarray(at));
    } catch (error) {
      // A terminal that another program has set to non-blocking says so where its reader is slow.
      if (!(error instanceof Deno.errors.WouldBlock) || ++tries > BUSY.tries) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BUSY.milliseconds);
    }
  }
}

function hasReaderGone(fault: Error): boolean {
  return fault instanceof Deno.errors.BrokenPipe;
}

const output = new Screen(Deno.stdout);
let unprinted: Error | null = null;

/** Standard error, where a person sees how far a command is; that it fails is said on standard output. */
export const screen: Screen = new Screen(Deno.stderr, (fault) => {
  output.put(
    `Cannot write to standard error: ${fault.message}; the command goes on without it\n`,
  );
});

/**
 * Says something to a person: on standard error, or on standard output where that fails.
 *
 * @param text One or more lines, without the last line's end.
 */
export function say(text: string): void {
  if (screen.put(`${text}\n`) !== null) output.put(`${text}\n`);
}

/**
 * Prints a result on standard output. Where that fails the command goes on, and {@link wantPrinted} throws at its end.
 *
 * @param text One or more lines, without the last line's end.
 */
export function print(text: string): void {
  const fault = output.put(`${text}\n`);
  if (fault !== null && !hasReaderGone(fault)) unprinted ??= fault;
}

/**
 * Checks that every result was printed, or that nobody read on.
 *
 * @throws {Error} If one was not.
 */
export function wantPrinted(): void {
  if (unprinted === null) return;
  throw new Error(`Cannot write to standard output: ${unprinted.message}`, { cause: unprinted });
}
