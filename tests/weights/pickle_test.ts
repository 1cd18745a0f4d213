import assert from "node:assert/strict";
import { unpickle } from "../../lib/weights/pickle.ts";
import {
  PickleGlobal,
  Placeholder,
  Tuple,
  UnreadableTensor,
} from "../../lib/weights/pickle_values.ts";
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

Deno.test("unpickle: plain data of Python's collections", () => {
  const counts = new Map([[2, 1], [5, 3]]);
  assert.deepEqual(read("\x80\x02ccollections\nCounter\n}(K\x02K\x01K\x05K\x03u\x85R."), counts);
  assert.deepEqual(
    read("\x80\x02ccollections\ndefaultdict\nc__builtin__\nlist\n\x85RK\x02K\x01sK\x05K\x03s."),
    counts,
  );
  assert.deepEqual(read("\x80\x02ccollections\ndeque\n](K\x01K\x02eK\x03\x86R."), [1, 2]);
  assert.deepEqual(read("\x80\x04ccollections\ndeque\n)K\x03\x86R(K\x01K\x02e."), [1, 2]);
  assert.deepEqual(read("\x80\x02c__builtin__\nset\n](K\x01K\x02e\x85R."), [1, 2]);
  assert.deepEqual(read("\x80\x02cbuiltins\nfrozenset\n](K\x01e\x85R."), [1]);
  assert.deepEqual(read("\x80\x04\x8f\x94(K\x01K\x02\x90."), [1, 2]);
  assert.deepEqual(read("\x80\x04(K\x01K\x02\x91."), [1, 2]);
});

/** Every way in which a pickle makes an object; of what is made only the name is kept. */
const OBJECTS = {
  "a call": "cos\nsystem\n(S'touch owned'\ntR.",
  "a call, protocol 4": "\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
  "INST": "(S'true'\nios\nsystem\n.",
  "OBJ": "(cos\nsystem\nS'true'\no.",
  "NEWOBJ with state": "\x80\x02cos\nsystem\n)\x81}U\x01aK\x01sb.",
  "NEWOBJ_EX": "\x80\x04cos\nsystem\n(K\x01t}\x92.",
  "a state of slots": "\x80\x02cos\nsystem\n)\x81N}U\x01aK\x01s\x86b.",
  "a list's class": "\x80\x02cos\nsystem\n)\x81(K\x01K\x02eK\x03a.",
  "a dict's class": "\x80\x02cos\nsystem\n)\x81(K\x01K\x02uK\x03K\x04s.",
  "a set's class": "\x80\x04cos\nsystem\n)\x81(K\x01K\x02\x90.",
  "a tensor that os.system shall make":
    "\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(cos\nsystem\nctorch\nTensor\n)}tR.",
  "a result that is called": "\x80\x02cos\nsystem\n)R)R.",
  "an object that holds itself": "\x80\x02cos\nsystem\n)\x81q\x00}U\x01ah\x00sb.",
};

for (const [what, pickle] of Object.entries(OBJECTS)) {
  Deno.test(`unpickle: ${what} makes a placeholder`, () => {
    const made = read(pickle);
    assert.ok(made instanceof Placeholder);
    assert.deepEqual([made.name, made.isModule], ["os.system", false]);
    assert.deepEqual(Object.keys(made), ["name"]);
  });
}

Deno.test("unpickle: a name is one printable line", () => {
  const made = read("\x80\x04\x8c\x03a\nb\x8c\x02\x07c\x93)R.");
  assert.equal(made instanceof Placeholder && made.name, "a?b.?c");
});

Deno.test("unpickle: a module is known by its state, or as TorchScript", () => {
  const state = "}(U\x0b_parameters}U\x08_modules}u";
  for (const pickle of [`cm\nNet\n)\x81${state}b.`, "c__torch__\nNet\n)\x81."]) {
    const made = read(`\x80\x02${pickle}`);
    assert.equal(made instanceof Placeholder && made.isModule, true);
  }
});

Deno.test("unpickle: tensors with attributes are read, those of other numbers are not", () => {
  const complex = new UnreadableTensor("a sparse tensor");
  assert.deepEqual(
    read(
      "\x80\x02ctorch._tensor\n_rebuild_from_type_v2\n(ctorch._utils\n_rebuild_sparse_tensor\nctorch\nTensor\n)}tR.",
    ),
    complex,
  );
});

const HOSTILE = {
  "K\x01)R.": "must call a global with a tuple, found 1",
  "cos\nsystem\nK\x01R.": "must call a global with a tuple, found 1",
  "(o.": "must call a global with a tuple, found undefined",
  "\x80\x05\x97.": "must have a known instruction, found 0x97",
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
