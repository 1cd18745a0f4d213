import assert from "node:assert/strict";
import { readHeader } from "../../lib/weights/safetensors_header.ts";

const LENGTH = 8;

interface Parts {
  readonly length?: number | bigint;
  readonly data?: number;
}

function fileOf(header: string | Uint8Array, { length, data = 0 }: Parts = {}): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(LENGTH + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length ?? text.length), true);
  bytes.set(text, LENGTH);
  return bytes;
}

function refuse(bytes: Uint8Array, { name, message }: { name: string; message: string }): void {
  assert.throws(() => readHeader(bytes, "Cannot read x"), {
    name,
    message: `Cannot read x: ${message}`,
  });
}

function entry(fields: Record<string, unknown> = {}): string {
  return JSON.stringify({ dtype: "F32", shape: [2], data_offsets: [0, 8], ...fields });
}

Deno.test("readHeader: entries come in the order of their data, whatever the header's order", () => {
  const later = entry({ data_offsets: [8, 16] });
  const { entries, dataStart } = readHeader(
    fileOf(`{"b":${later},"a":${entry()}}`, { data: 16 }),
    "Cannot",
  );
  assert.deepEqual(entries.map(({ name }) => name), ["a", "b"]);
  assert.equal(dataStart, LENGTH + `{"b":${later},"a":${entry()}}`.length);
});

Deno.test("readHeader: an empty header is a file without tensors", () => {
  const { entries, metadata } = readHeader(fileOf("{}"), "Cannot");
  assert.deepEqual({ entries, metadata }, { entries: [], metadata: {} });
});

Deno.test("readHeader: keys inside strings and in other objects do not repeat", () => {
  const header = `{"__metadata__":{"a":"\\"a\\": {","b":"x"},"a":${entry()},"b":${
    entry({ shape: [0], data_offsets: [8, 8] })
  }}`;
  assert.equal(readHeader(fileOf(header, { data: 8 }), "Cannot").entries.length, 2);
});

Deno.test("readHeader: a file too short for the length is refused", () => {
  refuse(new Uint8Array(7), {
    name: "RangeError",
    message: "the file must have at least 8 bytes, found 7",
  });
});

Deno.test("readHeader: a header longer than the file is refused", () => {
  refuse(fileOf("{}", { length: 3 }), {
    name: "RangeError",
    message: "the header must have 3 bytes, found 2",
  });
});

Deno.test("readHeader: a header of more than 100 MB is refused", () => {
  for (const length of [100_000_001n, 2n ** 64n - 1n]) {
    refuse(fileOf("{}", { length }), {
      name: "RangeError",
      message: `the header must have at most 100 MB, found ${length} bytes`,
    });
  }
});

Deno.test("readHeader: bytes that are not UTF-8 are refused", () => {
  refuse(fileOf(new Uint8Array([0x7b, 0xff, 0x7d])), {
    name: "SyntaxError",
    message: "the header must be UTF-8, found other bytes",
  });
});

Deno.test("readHeader: text that is not JSON is refused on one line", () => {
  refuse(fileOf('{"a":\n1'), {
    name: "SyntaxError",
    message: 'the header must be JSON, found "{\\"a\\":\\n1"',
  });
});

Deno.test("readHeader: JSON that is not an object is refused", () => {
  for (const header of ["[]", "null", "3"]) {
    refuse(fileOf(header), {
      name: "TypeError",
      message: `the header must be a JSON object, found ${header}`,
    });
  }
});

Deno.test("readHeader: a repeated name is refused, however it is written", () => {
  refuse(fileOf(`{"a":${entry()},"\\u0061" :${entry()}}`, { data: 8 }), {
    name: "RangeError",
    message: 'the header must hold each key once, found "a" twice',
  });
});

Deno.test("readHeader: metadata other than strings is refused", () => {
  for (const metadata of ['{"epoch":3}', "null", '["pt"]']) {
    refuse(fileOf(`{"__metadata__":${metadata}}`), {
      name: "TypeError",
      message: `__metadata__ must map names to strings, found ${metadata}`,
    });
  }
});

Deno.test("readHeader: an unknown dtype is refused", () => {
  const formats = "F16, BF16, F32, F64, I8, U8, I16, U16, I32, U32, I64, U64, BOOL";
  const message = `dtype of "a" must be one of ${formats}, found `;
  const unknown = fileOf(`{"a":${entry({ dtype: "F8" })}}`, { data: 8 });
  refuse(unknown, { name: "TypeError", message: `${message}"F8"` });
  refuse(fileOf(`{"a":7}`), { name: "TypeError", message: `${message}none` });
});

Deno.test("readHeader: a shape that is not a list of sizes is refused", () => {
  for (const shape of [[-1, -2], [0.5, 4], "2", [null], 2, [1e300]]) {
    refuse(fileOf(`{"a":${entry({ shape })}}`, { data: 8 }), {
      name: "TypeError",
      message: `shape of "a" must be a list of sizes, found ${JSON.stringify(shape)}`,
    });
  }
});

Deno.test("readHeader: data_offsets that are not two positions are refused", () => {
  for (const offsets of [[0], [0, 8, 8], [-8, 0], [0, 7.5], "0,8", null]) {
    refuse(fileOf(`{"a":${entry({ data_offsets: offsets })}}`, { data: 8 }), {
      name: "TypeError",
      message: `data_offsets of "a" must be two positions, found ${JSON.stringify(offsets)}`,
    });
  }
});

Deno.test("readHeader: data_offsets that contradict the shape are refused", () => {
  for (const offsets of [[0, 7], [0, 12], [8, 0]]) {
    refuse(fileOf(`{"a":${entry({ data_offsets: offsets })}}`, { data: 12 }), {
      name: "RangeError",
      message: `data_offsets of "a" must span 8 bytes for F32 [2], found ${
        JSON.stringify(offsets)
      }`,
    });
  }
});

Deno.test("readHeader: a hole before, between or an overlap is refused", () => {
  const second = (begin: number) => `"b":${entry({ data_offsets: [begin, begin + 8] })}`;
  const wrong = (begin: number) => ({
    name: "RangeError",
    message: `data of "b" must begin at 8, found ${begin}`,
  });
  refuse(fileOf(`{"a":${entry()},${second(12)}}`, { data: 20 }), wrong(12));
  refuse(fileOf(`{"a":${entry()},${second(4)}}`, { data: 12 }), wrong(4));
  refuse(fileOf(`{${second(4)}}`, { data: 12 }), {
    name: "RangeError",
    message: 'data of "b" must begin at 0, found 4',
  });
});

Deno.test("readHeader: data cut short or bytes after it are refused", () => {
  for (const data of [7, 9]) {
    refuse(fileOf(`{"a":${entry()}}`, { data }), {
      name: "RangeError",
      message: `the data must have 8 bytes, found ${data}`,
    });
  }
});

Deno.test("readHeader: long values are shortened in errors", () => {
  const shape = new Array<number>(100).fill(-1);
  assert.throws(() => readHeader(fileOf(`{"a":${entry({ shape })}}`), "Cannot read x"), (error) => {
    assert.ok(error instanceof TypeError);
    assert.ok(error.message.length < 140 && error.message.endsWith("..."), error.message);
    return true;
  });
});
