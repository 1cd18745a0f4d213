import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { formatZip } from "../../lib/weights/zip.ts";
import { HICKLES, WEIGHTS, withFile } from "../support/weight_files.ts";

const pickled = (text: string) => Buffer.from(text, "latin1");

Deno.test("readWeights: the format is told from the content, whatever the name", async () => {
  const ones = new Map([["w", { dtype: "U8", shape: [2], data: new Uint8Array([1, 1]) }]] as const);
  const files: [string, Uint8Array][] = [
    ["safetensors", formatSafetensors(ones)],
    ["hickle", await Deno.readFile(`${HICKLES}tiny-3.4.8.hkl`)],
    ["PyTorch", await Deno.readFile(`${WEIGHTS}bare.pt7`)],
    ["PyTorch", await Deno.readFile(`${WEIGHTS}bare-old.pt7`)],
    ["npz", await Deno.readFile(`${WEIGHTS}network.npz`)],
    ["pickle", pickled("\x80\x02}.")],
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

const REFUSED: Record<string, [Uint8Array, RegExp]> = {
  "nothing": [new Uint8Array(), /npz or npy, found an empty file$/],
  "a web page": [pickled("<!DOCTYPE html><html></html>"), /that begins with <!DOCTYPE html>/],
  "other bytes": [new Uint8Array(100).fill(7), /that begins with 07 07 07 07 07 07 07 07$/],
  "a zip of pictures": [
    formatZip([["cat.jpg", new Uint8Array(9)]]),
    /arrays named \*\.npy, found cat\.jpg/,
  ],
  "a hostile pickle": [pickled("\x80\x02cposix\nsystem\n."), /byte 2 asks for posix\.system; only/],
  "a hostile pickle in a zip": [
    formatZip([["m/data.pkl", pickled("\x80\x02cbuiltins\nexec\n.")]]),
    /byte 2 asks for builtins\.exec; only/,
  ],
  "a storage that is not there": [
    formatZip([[
      "m/data.pkl",
      pickled("\x80\x02(U\x07storagectorch\nFloatStorage\nU\x010U\x03cpuK\x04tQ."),
    ]]),
    /must have 16 bytes in m\/data\/0, found none/,
  ],
  "dicts without end": [pickled("\x80\x02}q\x00U\x01ah\x00s."), /nested at most 32 deep/],
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
