import assert from "node:assert/strict";
import { formatZip, readZip } from "../../lib/weights/zip.ts";
import { WEIGHTS } from "../support/weight_files.ts";

const LIMIT = { limit: 1_000_000 };
const text = (value: string) => new TextEncoder().encode(value);

/** An archive of one file with some bytes changed: those at a place after the first occurrence of a signature. */
function changed(signature: number, changes: Readonly<Record<number, number[]>>): Uint8Array {
  const bytes = formatZip([["a.npy", text("content")]]);
  const view = new DataView(bytes.buffer);
  let at = 0;
  while (view.getUint32(at, true) !== signature) at++;
  for (const [offset, values] of Object.entries(changes)) bytes.set(values, at + Number(offset));
  return bytes;
}

const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const LOCAL = 0x04034b50;

Deno.test("readZip: gives what formatZip was given, as views", () => {
  const files = [["a", text("one")], ["n/größe.npy", text("")], ["c", text("three")]] as const;
  const archive = formatZip(files);
  const entries = readZip(archive, LIMIT);
  assert.deepEqual([...entries.keys()], ["a", "n/größe.npy", "c"]);
  for (const [name, content] of files) assert.deepEqual(entries.get(name)?.read(), content);
  assert.equal(entries.get("c")?.read().buffer, archive.buffer);
  assert.deepEqual(formatZip(files), archive);
});

Deno.test("readZip: unpacks what NumPy deflated, and no more than it declares", async () => {
  const bytes = await Deno.readFile(`${WEIGHTS}deflated.npz`);
  const entry = readZip(bytes, LIMIT).get("x.npy");
  assert.equal(entry?.read().length, entry?.size);
  assert.throws(() => readZip(bytes, { limit: 4000 }), {
    name: "RangeError",
    message: /^x\.npy unpacks to 4128 bytes, .* may have 4000$/,
  });
});

const DAMAGED = {
  "an encrypted file": [changed(CENTRAL, { 8: [1, 8] }), /a\.npy must not be encrypted/],
  "an unknown method": [
    changed(CENTRAL, { 10: [12, 0] }),
    /must be stored or deflated, found .* 12/,
  ],
  "a path upwards": [
    changed(CENTRAL, { 46: [46, 46, 47] }),
    /found the path "..\/py"|found the path "\.\.\/py"/,
  ],
  "an absolute path": [changed(CENTRAL, { 46: [47] }), /found the path "\/.npy"/],
  "a path with a backslash": [changed(CENTRAL, { 47: [92] }), /found the path "a\\\\npy"/],
  "a huge size": [changed(CENTRAL, { 24: [255, 255, 255, 127] }), /unpacks to 2147483647 bytes/],
  "a packed size past the end": [
    changed(CENTRAL, { 20: [255, 255, 0, 0] }),
    /must have 65535 bytes/,
  ],
  "a size without its zip64 field": [changed(CENTRAL, { 24: [255, 255, 255, 255] }), /zip64 size/],
  "another place": [changed(CENTRAL, { 42: [5, 0, 0, 0] }), /must begin at byte 5/],
  "more files than there are": [changed(END, { 10: [9, 0] }), /must have 9 files, found 1/],
  "a directory past the end": [changed(END, { 16: [255, 255, 0, 0] }), /found it at byte 65535/],
  "a zip64 directory that is not there": [changed(END, { 10: [255, 255] }), /zip64 directory/],
  "other content": [changed(LOCAL, { 36: [120] }), /must have the checksum [0-9a-f]+, found/],
  "no directory": [text("PK\x03\x04 and then nothing more"), /must end with a directory/],
  "nothing": [new Uint8Array(), /must end with a directory/],
} as const;

for (const [what, [bytes, message]] of Object.entries(DAMAGED)) {
  Deno.test(`readZip: refuses ${what}`, () => {
    assert.throws(() => [...readZip(bytes, LIMIT).values()].map((entry) => entry.read()), message);
  });
}

Deno.test("readZip: refuses a file that occurs twice", () => {
  const archive = formatZip([["a", text("1")], ["a", text("2")]]);
  assert.throws(() => readZip(archive, LIMIT), /found a twice/);
});
