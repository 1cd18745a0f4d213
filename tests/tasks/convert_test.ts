import assert from "node:assert/strict";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { formatSafetensors } from "../../lib/weights/safetensors.ts";
import { writeWeights } from "../../lib/weights/write_weights.ts";
import { convert } from "../../tasks/convert_run.ts";
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
    /^took params and stats, left out optimizer, epoch\ntook student\.\*, left out 4 beside it\ns\.npz: 4 tensors from .* \(PyTorch\)\n$/,
  );
  const { tensors } = await readWeights(`${folder.path}/s.npz`);
  assertSameTensors(tensors, (await readWeights(`${WEIGHTS}network.npz`)).tensors);
});

const CONVERSION = { to: null, take: null, list: false, force: false };

Deno.test("convert: wrappers' names stay without --to, and go with it", async () => {
  await using folder = await tempFolder();
  const [input, same, zoo] = ["in", "same", "zoo"].map((name) =>
    `${folder.path}/${name}.safetensors`
  );
  assert.ok(input !== undefined && same !== undefined && zoo !== undefined);
  const { tensors } = await readWeights(`${HICKLES}tiny-2.0.5.npz`);
  const wrapped = Array.from(
    tensors,
    ([name, tensor]) => [`_orig_mod.net.${name}`, tensor] as const,
  );
  await writeWeights(input, new Map(wrapped));
  await convert({ ...CONVERSION, input, output: same });
  assertSameTensors((await readWeights(same)).tensors, new Map(wrapped));
  await convert({ ...CONVERSION, input, output: zoo, to: "functional-zoo" });
  assertSameTensors((await readWeights(zoo)).tensors, tensors);
});

Deno.test("convert: --take takes another part, an existing file is overwritten with --force alone", async () => {
  await using folder = await tempFolder();
  const output = `${folder.path}/t.npz`;
  const conversion = { ...CONVERSION, input: `${WEIGHTS}pair.pt7`, output, take: "teacher" };
  assert.match(
    await convert(conversion),
    /^took params and stats, .*\ntook teacher\.\*, left out 4 /,
  );
  const teacher = await Deno.readFile(output);
  const student = { ...conversion, take: null };
  await assert.rejects(convert(student), {
    name: "RangeError",
    message: `Cannot write ${output}: it is there already; --force overwrites it`,
  });
  assert.deepEqual(await Deno.readFile(output), teacher);
  await convert({ ...student, force: true });
  assert.notDeepEqual(await Deno.readFile(output), teacher);
});

Deno.test("convert: where a file has no tensors or no such part, nothing is written", async () => {
  await using folder = await tempFolder();
  const input = `${folder.path}/empty.safetensors`;
  const output = `${folder.path}/o.safetensors`;
  await Deno.writeFile(input, formatSafetensors(new Map()));
  const cases = [{ input }, { input: `${WEIGHTS}network.npz`, take: "teacher" }];
  for (const one of cases) {
    await assert.rejects(
      convert({ ...CONVERSION, ...one, output }),
      /wanted tensors.*, found none$/,
    );
  }
  assert.deepEqual(Array.from(Deno.readDirSync(folder.path), ({ name }) => name), [
    "empty.safetensors",
  ]);
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
