import assert from "node:assert/strict";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { runTask } from "../support/command.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { HICKLES, WEIGHTS } from "../support/weight_files.ts";

Deno.test("convert: hickle to torchvision's names and back, with no more permissions than the task has", async () => {
  await using folder = await tempFolder();
  const cwd = folder.path;
  const input = `${HICKLES}tiny-2.0.5.hkl`;
  const there = await runTask("convert", [input, "a.safetensors", "--to", "torchvision"], { cwd });
  assert.deepEqual([there.code, there.stderr], [0, ""]);
  assert.equal(there.stdout, `a.safetensors: 62 tensors from ${input} (hickle)\n`);
  const back = await runTask("convert", ["a.safetensors", "b.hkl", "--to=functional-zoo"], { cwd });
  assert.deepEqual([back.code, back.stderr], [0, ""]);
  const { tensors } = await readWeights(`${cwd}/b.hkl`);
  assert.deepEqual(
    [...tensors.keys()].sort(),
    [...(await readWeights(input)).tensors.keys()].sort(),
  );
});

Deno.test("convert: without --to names and types stay, and the student is taken", async () => {
  await using folder = await tempFolder();
  const { code, stdout } = await runTask("convert", [`${WEIGHTS}pair.pt7`, "s.npz"], {
    cwd: folder.path,
  });
  assert.equal(code, 0);
  assert.match(
    stdout,
    /^left out: 4 tensors beside student\.\*\ns\.npz: 4 tensors from .* \(PyTorch\)\n$/,
  );
  const { tensors } = await readWeights(`${folder.path}/s.npz`);
  assertSameTensors(tensors, (await readWeights(`${WEIGHTS}network.npz`)).tensors);
});

Deno.test("convert --list: names, shapes, dtypes and norms", async () => {
  const { code, stdout } = await runTask("convert", ["--list", `${WEIGHTS}odd.npz`], { cwd: "." });
  assert.equal(code, 0);
  const rows = stdout.trimEnd().split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(rows[0], ["name", "shape", "dtype", "norm"]);
  assert.deepEqual(rows.find(([name]) => name === "half"), ["half", "[2]", "F16", "1.11803"]);
  assert.deepEqual(rows.find(([name]) => name === "long"), ["long", "[3]", "I64", "-"]);
  assert.deepEqual(rows.at(-1), ["14 tensors, 69 numbers"]);
});

Deno.test("convert: an error is one line, and 2 is the code of a wrong command line", async () => {
  const cases: [string[], number, RegExp][] = [
    [[], 2, /expected IN OUT, or IN --list, found none/],
    [["a.pth"], 2, /found only a\.pth/],
    [["a.pth", "b.npz", "c"], 2, /expected only IN OUT and flags, found "c"/],
    [["a.pth", "b.npz", "--to", "zoo"], 2, /expected one of bare, functional-zoo, torchvision/],
    [["gone.pth", "--list"], 1, /Cannot read \/.*\/gone\.pth: no such file/],
    [
      [`${WEIGHTS}bare.pt7`, "b.npz", "--to", "bare"],
      1,
      /found only conv0, bn\.weight, fc\.weight/,
    ],
  ];
  for (const [args, code, message] of cases) {
    const outcome = await runTask("convert", args, { cwd: WEIGHTS });
    assert.deepEqual([outcome.code, outcome.stdout], [code, ""], args.join(" "));
    assert.match(outcome.stderr, /^error: [^\n]+\n$/);
    assert.match(outcome.stderr, message);
  }
});
