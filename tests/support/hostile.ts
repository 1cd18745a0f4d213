import { Buffer } from "node:buffer";
import { deflateRawSync } from "node:zlib";
import { formatNpy } from "../../lib/weights/npy.ts";
import { formatZip } from "../../lib/weights/zip.ts";
import type { Mutation } from "./mutate.ts";

const latin = (text: string) => Buffer.from(text, "latin1");
const CALLS = [
  "os.system",
  "posix.system",
  "builtins.eval",
  "builtins.exec",
  "subprocess.Popen",
  "nt.system",
  "torch.load",
  "torch.storage._load_from_bytes",
  "pickle.loads",
  "runpy.run_path",
  "numpy.load",
  "__main__.Net",
];

/** Every way in which a pickle can ask for a call, or for what runs while it is read; `GLOBAL` stands for the name. */
const FORMS: Readonly<Record<string, string>> = {
  "INST": "(S'true'\niGLOBAL",
  "OBJ": "(cGLOBALS'true'\no",
  "NEWOBJ with a state": "cGLOBAL)\x81}S'x'\ncGLOBALsb",
  "NEWOBJ_EX": "cGLOBALU\x04true\x85}S'x'\ncGLOBALs\x92",
  "a state of slots": "cGLOBAL)\x81N}S'x'\ncGLOBAL)Rs\x86b",
  "APPENDS": "cGLOBAL)R(cGLOBAL)RK\x01eK\x02a",
  "SETITEMS": "cGLOBAL)R(cGLOBAL)Rcbuiltins\neval\n)RuK\x01K\x02s",
  "ADDITEMS": "cGLOBAL)R(cGLOBAL)R\x90",
  "a set of calls": "\x8f(cGLOBAL)R\x90",
  "a frozen set of calls": "(cGLOBAL)R\x91",
  "getattr": "cbuiltins\ngetattr\ncGLOBALS'__call__'\n\x86RS'true'\n\x85R",
  "a partial function": "cfunctools\npartial\ncGLOBAL\x85R(cGLOBAL(S'true'\nt}NtbS'x'\n\x85R",
  "a reconstructor":
    "ccopyreg\n_reconstructor\ncGLOBALcbuiltins\nobject\nN\x87R}S'__setstate__'\ncGLOBALsb",
  "a default factory": "ccollections\ndefaultdict\ncGLOBAL\x85RK\x01cGLOBAL)Rs",
  "counts": "ccollections\nCounter\ncGLOBAL)R\x85R",
  "a tensor's function":
    "ctorch._tensor\n_rebuild_from_type_v2\n(cGLOBALctorch\nTensor\nU\x04true\x85}tR",
  "an array's type": "cnumpy\ndtype\ncGLOBAL)R\x85R",
  "a scalar of objects":
    "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02O8\x85RcGLOBAL)R\x86R",
  "an object that calls itself": "cGLOBAL)\x81q\x01}S'x'\nh\x01)Rsb",
};

/** A network with something beside it, which is all that a reader may see. */
function besideNetwork(hostile: string): string {
  const array = "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02u1\x85RU\x01a\x86R";
  return `\x80\x04}(U\x05model}U\x01w${array}sU\x01x${hostile}u.`;
}

function pickles(): [string, string][] {
  const forms = Object.entries(FORMS).flatMap(([what, form], at): [string, string][] => {
    const name = CALLS[at % CALLS.length] ?? "";
    const call = form.replaceAll("GLOBAL", `${name.replace(/\.(?=[^.]*$)/, "\n")}\n`);
    return [
      [`${what} of ${name} beside a network`, besideNetwork(call)],
      [`${what} of ${name}`, `\x80\x04${call}.`],
    ];
  });
  const named = CALLS.flatMap((name): [string, string][] => {
    const at = name.lastIndexOf(".");
    const [module, attribute] = [name.slice(0, at), name.slice(at + 1)];
    const short = (text: string) => `\x8c${String.fromCharCode(text.length)}${text}`;
    return [
      [`calls ${name}`, `\x80\x02c${module}\n${attribute}\nU\x04true\x85R.`],
      [`calls ${name}, protocol 0`, `c${module}\n${attribute}\n(S'true'\ntR.`],
      [
        `calls ${name}, protocol 4`,
        `\x80\x04${short(module)}${short(attribute)}\x93${short("true")}\x85R.`,
      ],
      [`hides ${name} in a dict`, `\x80\x02}U\x06paramsc${module}\n${attribute}\n)Rs.`],
      [`makes ${name}`, `\x80\x02c${module}\n${attribute}\n)\x81}b.`],
    ];
  });
  const levels = Array.from(
    { length: 40 },
    (_, at) => `(${`h${String.fromCharCode(at)}`.repeat(10)}lq${String.fromCharCode(at + 1)}`,
  );
  return [
    ...forms,
    ...named,
    ["lists in lists", `\x80\x02${"]".repeat(100_000)}${"a".repeat(99_999)}.`],
    ["tuples in tuples", `\x80\x02)${"\x85".repeat(100_000)}.`],
    ["marks", `\x80\x02${"(".repeat(500_000)}.`],
    ["ten to the fortieth lists", `\x80\x02]q\x00${levels.join("")}.`],
    ["a dict of itself", "\x80\x02}q\x00U\x01ah\x00s."],
    ["many dicts", `\x80\x02${"}".repeat(1_900_000)}.`],
    ["a string longer than the file", "\x80\x02X\xff\xff\xff\x7fabc."],
    ["bytes longer than memory", "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x7fabc."],
  ];
}

/** A zip of one deflated file that unpacks to zeros. */
function bomb(name: string, size: number): Uint8Array {
  const packed = deflateRawSync(new Uint8Array(size));
  const archive = formatZip([[name, packed]]);
  const view = new DataView(archive.buffer);
  const directory = view.getUint32(archive.length - 6, true);
  view.setUint16(8, 8, true);
  view.setUint16(directory + 10, 8, true);
  view.setUint32(directory + 24, size, true);
  return archive;
}

function zips(inner: string): [string, Uint8Array][] {
  const npy = formatNpy({ dtype: "F32", shape: [2], data: new Uint8Array(8) });
  const traps = [
    "../../etc/passwd.npy",
    "/etc/passwd.npy",
    "a/../../b.npy",
    "..\\a.npy",
    "C:a.npy",
    "a\0b.npy",
  ];
  return [
    ...traps.map((
      name,
    ): [string, Uint8Array] => [`the path ${JSON.stringify(name)}`, formatZip([[name, npy]])]),
    ["unpacks to 200 MB", bomb(inner, 200_000_000)],
    ["unpacks to 800 MB", bomb(inner, 800_000_000)],
    ["one name twice", formatZip([[inner, npy], [inner, npy]])],
  ];
}

/** Files made to hurt the reader of zips of arrays. */
export function hostileNpz(): Mutation[] {
  return zips("a.npy").map(([what, bytes]) => ({ what, bytes }));
}

/** Files made to hurt the reader of pickles. */
export function hostilePickles(): Mutation[] {
  return pickles().map(([what, text]) => ({ what, bytes: latin(text) }));
}

/** Files made to hurt the reader of PyTorch's zips. */
export function hostileTorch(): Mutation[] {
  const inside = pickles().map(([what, text]) => ({
    what,
    bytes: formatZip([["m/data.pkl", latin(text)]]),
  }));
  return [...inside, ...zips("m/data.pkl").map(([what, bytes]) => ({ what, bytes }))];
}

/** Files made to hurt the reader of PyTorch's old format. */
export function hostileLegacy(): Mutation[] {
  const head = "\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.";
  return pickles().map(([what, text]) => ({ what, bytes: latin(head + text) }));
}

/** Files made to hurt the reader of safetensors. */
export function hostileSafetensors(): Mutation[] {
  const file = (json: string, length = json.length): Uint8Array => {
    const bytes = new Uint8Array(8 + json.length);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
    bytes.set(latin(json), 8);
    return bytes;
  };
  const tensor = (shape: string, offsets: string) =>
    file(`{"a":{"dtype":"F32","shape":${shape},"data_offsets":${offsets}}}`);
  return [
    { what: "objects in objects", bytes: file('{"a":'.repeat(200_000)) },
    { what: "lists in lists", bytes: file(`{"a":${"[".repeat(500_000)}`) },
    { what: "a header longer than the file", bytes: file("{}", 90_000_000) },
    {
      what: "sizes beyond counting",
      bytes: tensor("[9007199254740991,9007199254740991]", "[0,8]"),
    },
    { what: "a size of nothing and infinity", bytes: tensor("[0,1e308]", "[0,0]") },
    { what: "negative sizes", bytes: tensor("[-1,-1]", "[0,4]") },
    { what: "offsets past the end", bytes: tensor("[1]", "[4,8]") },
  ];
}
