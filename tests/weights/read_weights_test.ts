import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { formatZip } from "../../lib/weights/zip.ts";
import { HICKLES, WEIGHTS, withFile } from "../support/weight_files.ts";

const pickled = (text: string) => Buffer.from(text, "latin1");

/** A pickled array of one byte. */
const ARRAY = "cnumpy.core.multiarray\nscalar\ncnumpy\ndtype\nU\x02u1\x85RU\x01a\x86R";

Deno.test("readWeights: the format is told from the content, whatever the name", async () => {
  const ones = new Map([["w", { dtype: "U8", shape: [2], data: new Uint8Array([1, 1]) }]] as const);
  const files: [string, Uint8Array][] = [
    ["safetensors", formatSafetensors(ones)],
    ["hickle", await Deno.readFile(`${HICKLES}tiny-3.4.8.hkl`)],
    ["PyTorch", await Deno.readFile(`${WEIGHTS}bare.pt7`)],
    ["PyTorch", await Deno.readFile(`${WEIGHTS}bare-old.pt7`)],
    ["npz", await Deno.readFile(`${WEIGHTS}network.npz`)],
    ["pickle", pickled(`\x80\x02}U\x01w${ARRAY}s.`)],
  ];
  for (const [format, bytes] of files) {
    assert.equal((await withFile(bytes, readWeights)).format, format);
  }
});

Deno.test("readWeights: a header's length that looks like a pickle is safetensors", async () => {
  const name = "n".repeat(640 - 58);
  const bytes = formatSafetensors(
    new Map([[name, { dtype: "U8", shape: [0], data: new Uint8Array() }]]),
  );
  assert.deepEqual([...bytes.subarray(0, 2)], [0x80, 2]);
  assert.deepEqual([...(await withFile(bytes, readWeights)).tensors.keys()], [name]);
});

Deno.test("readWeights: HDF5 behind a user block is found", async () => {
  const hickle = await Deno.readFile(`${WEIGHTS}packed.hkl`);
  const behind = new Uint8Array(512 + hickle.length);
  behind.set(hickle, 512);
  assert.equal((await withFile(behind, readWeights)).tensors.size, 3);
});

const npy = (descr: string) =>
  pickled(
    `\x93NUMPY\x01\0\x76\0${
      `{'descr': '${descr}', 'fortran_order': False, 'shape': (1,), }`.padEnd(117)
    }\n${"\0".repeat(8)}`,
  );

const SAVED: Record<string, [pickle: string, note: string, take?: string]> = {
  "state_dict before model and ema": [
    `(U\x05model}U\x01x${ARRAY}sU\x0astate_dict}U\x01w${ARRAY}sU\x03ema}U\x01x${ARRAY}su`,
    "took state_dict, left out model, ema",
  ],
  "model_state_dict, with objects beside it": [
    `(U\x04argscargparse\nNamespace\n)\x81}U\x02lrK\x01sbU\x10model_state_dict}U\x01w${ARRAY}su`,
    "took model_state_dict, left out args",
  ],
  "net before params": [
    `(U\x06params}U\x01x${ARRAY}sU\x03net}U\x01w${ARRAY}su`,
    "took net, left out params",
  ],
  "a model's name beside net": [
    `(U\x05modelU\x06resnetU\x03net}U\x01w${ARRAY}su`,
    "took net, left out model",
  ],
  "an average that is alone with an optimizer": [
    `(U\x09model_ema}U\x01w${ARRAY}sU\x09optimizer}U\x01m${ARRAY}su`,
    "took model_ema, left out optimizer",
  ],
  "an average that is asked for": [
    `(U\x09model_ema}U\x01w${ARRAY}sU\x05model}U\x01x${ARRAY}su`,
    "took model_ema, left out model",
    "model_ema",
  ],
  "a part of the names that is asked for": [
    `(U\x09teacher.w${ARRAY}U\x09student.w${ARRAY}u`,
    "took teacher.*, left out 1 beside it",
    "teacher",
  ],
  "a bare dict with text, None, an object and itself": [
    `q\x00(U\x01w${ARRAY}U\x04archU\x01xU\x01nNU\x01ocos\nsystem\n)RU\x01dh\x00u`,
    "left out 4 entries that are not arrays of numbers: arch, n, o, d",
  ],
};

for (const [what, [items, note, take]] of Object.entries(SAVED)) {
  Deno.test(`readWeights: of a saved dict ${what}`, async () => {
    const bytes = pickled(`\x80\x02}${items}.`);
    const { tensors, notes } = await withFile(bytes, (path) => readWeights(path, { take }));
    assert.deepEqual([[...tensors.keys()], notes], [["w"], [note]]);
  });
}

Deno.test("readWeights: what is asked for and is no network is named", async () => {
  const bytes = pickled(
    `\x80\x02}(U\x05model}U\x01w${ARRAY}sU\x04argscargparse\nNamespace\n)\x81U\x05epochK\x03u.`,
  );
  const cases = {
    args: /: wanted tensors in args, found argparse\.Namespace; only tensors/,
    epoch: /: wanted tensors in epoch, found 3$/,
    gone: /: wanted tensors in gone, found model, args, epoch$/,
  };
  for (const [take, message] of Object.entries(cases)) {
    await assert.rejects(withFile(bytes, (path) => readWeights(path, { take })), message);
  }
});

Deno.test("readWeights: text, objects and dates in an npz are left out and counted, a part is taken by its names", async () => {
  const bytes = formatZip([
    ...["<U8", "|S3", "|O", "<M8[ns]", "<m8[D]"].map((descr): [string, Uint8Array] => [
      `${descr.slice(1, 2)}.npy`,
      npy(descr),
    ]),
    ["a.w.npy", npy("<f8")],
    ["b.w.npy", npy("<f8")],
  ]);
  const { tensors, notes } = await withFile(bytes, (path) => readWeights(path, { take: "b" }));
  assert.deepEqual([...tensors.keys()], ["w"]);
  assert.deepEqual(notes, ["left out 5 entries that are not arrays of numbers: U, S, O, M, m"]);
});

const REFUSED: Record<string, [Uint8Array, RegExp]> = {
  "nothing": [new Uint8Array(), /npz or npy, found an empty file$/],
  "a web page": [pickled("<!DOCTYPE html><html></html>"), /that begins with <!DOCTYPE html>/],
  "other bytes": [new Uint8Array(100).fill(7), /that begins with 07 07 07 07 07 07 07 07$/],
  "a zip of pictures": [
    formatZip([["cat.jpg", new Uint8Array(9)]]),
    /arrays named \*\.npy, found cat\.jpg/,
  ],
  "a hostile pickle": [
    pickled("\x80\x02cposix\nsystem\nU\x04true\x85R."),
    /: wanted tensors, found posix\.system; only tensors and plain data are read, nothing is run$/,
  ],
  "a hostile pickle in a zip": [
    formatZip([["m/data.pkl", pickled("\x80\x02}U\x05modelcbuiltins\nexec\n)Rs.")]]),
    /: wanted tensors in model, found builtins\.exec; only tensors and plain data/,
  ],
  "a whole network beside its optimizer": [
    pickled(
      `\x80\x02}(U\x05modelcmodels\nNet\n)\x81}(U\x0b_parameters}U\x08_modules}ubU\x09optimizer}U\x01m${ARRAY}su.`,
    ),
    /: wanted tensors in model, found a whole pickled network, models\.Net, whose code is not run; save it anew in PyTorch: torch\.save\(model\.state_dict\(\), path\)$/,
  ],
  "a pickle without tensors": [
    pickled("\x80\x02}(U\x05epochK\x03U\x04args]u."),
    /: wanted tensors, found epoch, args$/,
  ],
  "complex numbers in a network": [
    pickled(`\x80\x02}(U\x01a${ARRAY}U\x01z${ARRAY.replace("u1", "c8")}u.`),
    /: z: must hold real or whole numbers, found NumPy's c8$/,
  ],
  "safetensors without tensors": [formatSafetensors(new Map()), /: wanted tensors, found none$/],
  "an npz without arrays": [
    formatZip([["arch.npy", npy("<U8")]]),
    /: wanted tensors, found none$/,
  ],
  "an npz of complex numbers": [
    formatZip([["z.npy", npy("<c8")]]),
    /: z\.npy: dtype must be a type of numbers such as '<f4', found '<c8'$/,
  ],
  "a single array of texts": [npy("<U8"), /: dtype must be .*, found '<U8'$/],
  "a storage that is not there": [
    formatZip([[
      "m/data.pkl",
      pickled("\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ."),
    ]]),
    /must have 16 bytes in m\/data\/0, found none/,
  ],
  "a dict of itself": [pickled("\x80\x02}q\x00U\x01ah\x00s."), /wanted tensors, found a$/],
  "dicts in dicts": [
    pickled(`\x80\x02${"}U\x01a".repeat(40)}${ARRAY}${"s".repeat(40)}.`),
    /nested at most 32 deep/,
  ],
  "a thousand million numbers of one": [
    formatZip([
      [
        "m/data.pkl",
        pickled(
          "\x80\x02}U\x01wctorch._utils\n_rebuild_tensor_v2\n((U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x01tQ" +
            "K\x00J\x00\xca\x9a\x3b\x85K\x00\x85\x89NtRs.",
        ),
      ],
      ["m/data/0", new Uint8Array(4)],
    ]),
    /: w and the tensors before it take 4000000000 bytes; a file of this size may have/,
  ],
};

for (const [what, [bytes, message]] of Object.entries(REFUSED)) {
  Deno.test(`readWeights: refuses ${what}, and names the file`, async () => {
    await withFile(bytes, async (path) => {
      await assert.rejects(readWeights(path), (error) => {
        assert.ok(error instanceof Error);
        assert.ok(error.message.startsWith(`Cannot read ${path}: `), error.message);
        assert.match(error.message, message);
        return true;
      });
    });
  });
}

Deno.test("readWeights: a file that is not there, and a folder", async () => {
  await assert.rejects(readWeights("gone/model.hkl"), {
    name: "NotFound",
    message: "Cannot read gone/model.hkl: no such file",
  });
  await assert.rejects(readWeights(WEIGHTS), /^Error: Cannot read .*weights\/: /);
});
