const ESCAPES = new Map([["n", "\n"], ["r", "\r"], ["t", "\t"]]);

/** Reads the arguments of a pickle's instructions; nothing is read past the end. */
export class PickleReader {
  readonly #view: DataView;

  /**
   * @param bytes The memory.
   * @param at The next byte.
   */
  constructor(readonly bytes: Uint8Array, public at: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Takes bytes as they are. */
  take(length: number): Uint8Array {
    const start = this.at;
    if (!(length <= this.bytes.length - start)) {
      throw new RangeError(
        `must have ${length} bytes more, found ${this.bytes.length - start} up to its end`,
      );
    }
    this.at += length;
    return this.bytes.subarray(start, this.at);
  }

  /** One byte. */
  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  /** Checks the number of the protocol. */
  protocol(): void {
    const protocol = this.byte();
    if (protocol > 5) throw new SyntaxError(`must have a protocol up to 5, found ${protocol}`);
  }

  /** An unsigned whole number of 2, 4 or 8 bytes. */
  size(bytes: 2 | 4 | 8): number {
    const start = this.at;
    this.take(bytes);
    if (bytes === 2) return this.#view.getUint16(start, true);
    return bytes === 4
      ? this.#view.getUint32(start, true)
      : Number(this.#view.getBigUint64(start, true));
  }

  /** A signed whole number of four bytes. */
  int32(): number {
    this.take(4);
    return this.#view.getInt32(this.at - 4, true);
  }

  /** A real number of eight bytes, the highest first. */
  double(): number {
    this.take(8);
    return this.#view.getFloat64(this.at - 8, false);
  }

  /** A signed whole number of any length; a `bigint` where a number cannot hold it. */
  long(length: number): number | bigint {
    if (length > 64) {
      throw new RangeError(`must have numbers up to 64 bytes, found one of ${length}`);
    }
    const bytes = this.take(length);
    const value = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    return narrow(BigInt.asIntN(Math.max(1, 8 * length), value));
  }

  /** UTF-8 text. */
  text(length: number): string {
    return new TextDecoder("utf-8", { ignoreBOM: true }).decode(this.take(length));
  }

  /** The text up to the end of the line. */
  line(): string {
    const end = this.bytes.indexOf(10, this.at);
    if (end < 0 || end - this.at > 100_000) {
      throw new RangeError("must have a line here, found no end of it");
    }
    const line = this.text(end - this.at);
    this.at = end + 1;
    return line;
  }

  /** A whole number in digits. */
  textInteger(): number | bigint | boolean {
    const text = this.line();
    if (text === "00" || text === "01") return text === "01";
    const digits = /^(-?\d{1,100})L?$/.exec(text)?.[1];
    if (digits === undefined) {
      throw new SyntaxError(`must have a number here, found ${text.slice(0, 40)}`);
    }
    return narrow(BigInt(digits));
  }

  /** Bytes in quotes, as protocol 0 writes them. */
  quoted(): Uint8Array {
    const text = this.line();
    const inner = /^(['"])(.*)\1$/s.exec(text)?.[2];
    if (inner === undefined) {
      throw new SyntaxError(`must have a quoted text here, found ${text.slice(0, 40)}`);
    }
    const plain = inner.replace(
      /\\(?:x([0-9a-f]{2})|([nrt\\'"]))/gi,
      (_, hex: string | undefined, letter: string | undefined) =>
        hex === undefined
          ? ESCAPES.get(letter ?? "") ?? letter ?? ""
          : String.fromCharCode(parseInt(hex, 16)),
    );
    return Uint8Array.from(plain, (character) => character.charCodeAt(0));
  }
}

function narrow(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER
    ? Number(value)
    : value;
}
