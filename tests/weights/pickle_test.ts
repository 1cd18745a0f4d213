import assert from "node:assert/strict";
import { unpickle } from "../../lib/weights/pickle.ts";
import { PickleGlobal, Tuple } from "../../lib/weights/pickle_values.ts";
import { TORCH_GLOBALS } from "../../lib/weights/torch_globals.ts";

const latin = (text: string) => Uint8Array.from(text, (character) => character.charCodeAt(0));
const read = (text: string) => unpickle(latin(text), { host: { globals: TORCH_GLOBALS } }).value;

Deno.test("unpickle: plain data of every protocol", () => {
  assert.deepEqual(
    read("(dp0\nS'a'\np1\nI1\nsS'b'\nF1.5\nsS'c'\nL-3L\nsS'd'\nI01\nsS'e'\nNs."),
    new Map<string, unknown>([["a", 1], ["b", 1.5], ["c", -3], ["d", true], ["e", null]]),
  );
  assert.deepEqual(read("\x80\x02]q\x00(K\x01M\x00\x01J\xff\xff\xff\xff\x8a\x02\x00\x80e."), [
    1,
    256,
    -1,
    -32768,
  ]);
  assert.deepEqual(read("\x80\x02G?\xf8\x00\x00\x00\x00\x00\x00\x85."), new Tuple([1.5]));
  assert.deepEqual(
    read("\x80\x04\x95\x06\x00\x00\x00\x00\x00\x00\x00\x8c\x02hi\x94h\x00\x86."),
    new Tuple(["hi", "hi"]),
  );
  assert.deepEqual(read("\x80\x03C\x02ab."), latin("ab"));
  assert.deepEqual(read("S'\\x41\\n\\''\n."), latin("A\n'"));
  assert.equal(read("\x80\x02\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\x00."), 2n ** 64n - 1n);
  assert.deepEqual(read("ccollections\nOrderedDict\n)R}b."), new Map());
});

Deno.test("unpickle: where the pickle ends, and from where it begins", () => {
  const two = latin("K\x01.K\x02.");
  const host = { globals: new Map<string, PickleGlobal>() };
  const { value, end } = unpickle(two, { host });
  assert.deepEqual([value, end], [1, 3]);
  assert.equal(unpickle(two, { start: end, host }).value, 2);
});

const HOSTILE = {
  "cos\nsystem\n(S'touch owned'\ntR.": "the pickle at byte 0 asks for os.system; only tensors",
  "c__builtin__\neval\n(S'1'\ntR.": "byte 0 asks for __builtin__.eval",
  "\x80\x04\x8c\x05posix\x8c\x06system\x93.": "byte 17 asks for posix.system",
  "(S'true'\nios\nsystem\n.": "byte 9 must have a known instruction, found 0x69",
  "\x80\x02ctorch\nload\n.": "byte 2 asks for torch.load",
  "ctorch\nFloatStorage\n)R.": "byte 21 must not call torch.FloatStorage",
  "cnumpy\nndarray\n)\x81.": "byte 16 must not call numpy.ndarray",
  "\x80\x02X\xff\xff\xff\xffab.": "byte 2 must have 4294967295 bytes more, found 3",
  "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7fab.": "must have 9223372036854776",
  "\x80\x02\x8b\xff\xff\xff\x7f.": "must have numbers up to 64 bytes",
  "\x80\x09.": "must have a protocol up to 5, found 9",
  "h\x05.": "must have memo 5, found none",
  "t.": "must have a mark here, found none",
  ".": "must have a value on its stack here, found none",
  "(.": "must have a value on its stack here, found none",
  "K\x01K\x02a.": "must append to a list, found 1",
  "K\x01(K\x02K\x03u.": "must set items of a dict, found 1",
  "K\x01}b.": "must not set the state of 1",
  "\x82\x01.": "must have a known instruction, found 0x82",
  "Vabc": "must have a line here, found no end of it",
  "P1\n.": "must have no persistent ids, found one",
  "": "must have 1 bytes more, found 0",
};

for (const [pickle, message] of Object.entries(HOSTILE)) {
  Deno.test(`unpickle: refuses ${JSON.stringify(pickle.slice(0, 30))}`, () => {
    assert.throws(() => read(pickle), (error) => {
      assert.ok(error instanceof TypeError && error.message.includes(message), String(error));
      return true;
    });
  });
}

Deno.test("unpickle: a long program ends", () => {
  assert.throws(() => read("]".repeat(2_000_001)), /must end within 2000000 instructions/);
});
