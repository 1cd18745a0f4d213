import assert from "node:assert/strict";
import { join } from "node:path";
import { readPath, readRun, typedFolder } from "../../../tasks/command_line/paths.ts";
import { parseCifar } from "../../../tasks/training/cifar_options.ts";
import { parseFinetune } from "../../../tasks/training/finetune_options.ts";
import { parseImageNet } from "../../../tasks/training/imagenet_options.ts";
import { parseConvert } from "../../../tasks/convert_options.ts";
import { parsePack } from "../../../tasks/pack_options.ts";
import { parseTable } from "../../../tasks/table/table_options.ts";
import { parseBench } from "../../bench/options.ts";
import { tempFolder } from "../../support/temp_folder.ts";
import { runTask } from "../../support/command.ts";

const ROOT = join(import.meta.dirname ?? "", "..", "..", "..");

Deno.test("typedFolder: INIT_CWD counts in the project's root alone, through a link too", async () => {
  await using folder = await tempFolder();
  const link = `${folder.path}/link`;
  await Deno.symlink(ROOT, link);
  for (const cwd of [ROOT, `${ROOT}/`, link]) {
    assert.equal(typedFolder({ cwd, initCwd: "/home/ada" }), "/home/ada");
    for (const initCwd of ["", "relative"]) assert.equal(typedFolder({ cwd, initCwd }), cwd);
  }
  for (const cwd of [folder.path, `${ROOT}/tasks`]) {
    assert.equal(typedFolder({ cwd, initCwd: "/home/ada" }), cwd);
  }
});

Deno.test("readPath: ~ is the home folder, what is relative counts from a folder, nothing stays nothing", () => {
  const home = Deno.env.get("HOME") ?? "";
  const cases = [
    ["", ""],
    ["~", home],
    ["~/", home],
    ["~/runs/x", `${home}/runs/x`],
    ["~ada/x", "/from/~ada/x"],
    ["a~/x", "/from/a~/x"],
    ["./~/x", "/from/~/x"],
    ["x", "/from/x"],
    ["../x", "/x"],
    [".", "/from"],
    ["/x", "/x"],
  ];
  for (const [text = "", wanted] of cases) {
    assert.equal(readPath(text, "logs", { from: "/from" }), wanted, text);
  }
});

Deno.test("readRun: a run under logs stays a name, a file where it was typed does not", async () => {
  await using folder = await tempFolder();
  const from = folder.path;
  const logs = `${from}/logs`;
  await Deno.mkdir(`${logs}/taught`, { recursive: true });
  await Deno.mkdir(`${logs}/old/taught`, { recursive: true });
  await Deno.mkdir(`${from}/near/taught`, { recursive: true });
  for (const file of ["taught", "net.pth"]) await Deno.writeTextFile(`${from}/${file}`, "");
  const read = (text: string) => readRun(text, "teacher", { from, logs });
  for (const name of ["", "taught", "old/taught"]) assert.equal(read(name), name);
  for (const path of ["net.pth", "near/taught", "./taught", "none", "none/x", "near/../taught"]) {
    assert.equal(read(path), join(from, path), path);
  }
  // Where the process works in that folder, resolveRun says where it looked for a name.
  assert.equal(readRun("none", "teacher", { from: Deno.cwd(), logs }), "none");
});

Deno.test("every path on a command line is read as one, and named wholly", () => {
  const home = Deno.env.get("HOME") ?? "";
  const cifar = parseCifar(
    ["save", "logs", "dataroot", "teacher", "init"].map((flag) => `--${flag}=~/${flag}`),
  );
  assert.ok(cifar.kind === "train");
  const { save, logs, dataroot, teacher_id, init } = cifar.settings;
  assert.deepEqual(
    [save, logs, dataroot, teacher_id, init],
    ["save", "logs", "dataroot", "teacher", "init"].map((name) => `${home}/${name}`),
  );
  const imagenet = parseImageNet(["--imagenetpath=a/b", "--teacher=../c.hkl", "--init=d.npz"]);
  assert.ok(imagenet.kind === "train");
  const { imagenetpath, teacher_params, init: start } = imagenet.settings;
  const here = (path: string) => join(Deno.cwd(), path);
  assert.deepEqual([imagenetpath, teacher_params, start], ["a/b", "../c.hkl", "d.npz"].map(here));
  const finetune = parseFinetune(["--data=birds", "--student=~/a.hkl", "--teacher=./b.hkl"]);
  assert.ok(finetune.kind === "train");
  const { data, init: student, teacher } = finetune.settings;
  assert.deepEqual([data, student, teacher], [here("birds"), `${home}/a.hkl`, here("b.hkl")]);
  const table = parseTable(["5", "--imagenetpath=~/set", "--teacher_params=./b.hkl", "--logs=l"]);
  assert.ok(table.kind === "train");
  const { given, places } = table.request;
  assert.deepEqual(given, { imagenetpath: `${home}/set`, teacher_params: here("b.hkl") });
  assert.equal(places.logs, here("l"));
  const convert = parseConvert(["a.pth", "~/b.npz"]);
  assert.ok(convert.kind === "convert");
  assert.deepEqual([convert.input, convert.output], [here("a.pth"), `${home}/b.npz`]);
  const pack = parsePack(["~/in", "out"]);
  assert.ok(pack.kind === "pack");
  assert.deepEqual([pack.folder, pack.options.out], [`${home}/in`, here("out")]);
  const bench = parseBench(["--out=~/b.jsonl"]);
  assert.ok(bench.kind === "run");
  assert.equal(bench.options.out, `${home}/b.jsonl`);
  for (const flag of ["resume", "evaluate"]) {
    const found = parseCifar([`--${flag}=~/x`]);
    assert.ok(found.kind === "resume" || found.kind === "evaluate");
    assert.equal(found.kind === "resume" ? found.run : found.target, `${home}/x`);
  }
});

/** What command lines that are typed in `INIT_CWD` come to: read in a process of its own, since all tests share theirs. */
async function typedIn(
  env: Readonly<Record<"INIT_CWD" | "HOME", string>>,
  lines: readonly (readonly [task: string, ...args: string[]])[],
): Promise<unknown[]> {
  const place = { cwd: ROOT, env, script: "tests/support/parse_run.ts" };
  const { code, stdout, stderr } = await runTask("bench", [JSON.stringify(lines)], place);
  assert.equal(code, 0, stderr);
  return stdout.trimEnd().split("\n").map((line): unknown => JSON.parse(line));
}

Deno.test("typed elsewhere, relative paths and defaults are those of that folder", async () => {
  const read = await typedIn({ INIT_CWD: "/there", HOME: "/home/ada" }, [
    ["cifar", "--teacher=none", "--beta=1", "--save=a"],
    ["cifar", "--evaluate=../net.pth"],
    ["cifar", "--resume=runs/a", "--logs=b"],
    ["imagenet", "--evaluate=a"],
    ["finetune", "--evaluate=a"],
    ["table", "2"],
    ["bench"],
  ]);
  const wanted = [
    {
      kind: "train",
      settings: { logs: "/there/logs", dataroot: "/there", teacher_id: "/there/none", save: "a" },
    },
    { kind: "evaluate", target: "/net.pth", logs: "/there/logs", settings: { dataroot: "/there" } },
    { kind: "resume", run: "/there/runs/a", logs: "/there/b" },
    { kind: "evaluate", logs: "/there/logs" },
    { kind: "evaluate", logs: "/there/logs" },
    {
      kind: "train",
      request: { places: { dataroot: "/there", logs: "/there/logs", nthread: 4 } },
    },
    { kind: "run", options: { out: "/there/logs/bench.jsonl" } },
  ];
  for (const [at, part] of wanted.entries()) assert.partialDeepStrictEqual(read[at], part);
  assert.deepEqual(Object(read[1]).changes, {});
  assert.deepEqual(await typedIn({ INIT_CWD: "/there", HOME: "" }, [["cifar", "--save=~/x"]]), [
    "UsageError: Cannot read --save: wanted the home folder in HOME, found none",
  ]);
});

Deno.test("cifar: a run of one folder is resumed from another, where its folder of runs has gone too", async () => {
  await using folder = await tempFolder();
  const [first, second] = [`${folder.path}/first`, `${folder.path}/second`];
  for (const path of [first, second]) await Deno.mkdir(path);
  const cifar = async (there: string, ...args: string[]) => {
    const { code, stderr } = await runTask("cifar", args, { cwd: ROOT, env: { INIT_CWD: there } });
    assert.equal(code, 0, stderr);
    return stderr;
  };
  const tiny = ["--dataset=shapes", "--train_images=4", "--batch_size=4", "--depth=10"];
  const run = await cifar(first, ...tiny, "--width=.25", "--epochs=1", "--save=a");
  assert.match(run, /; logs\/a\n/, "the screen shows a short path");
  await Deno.rename(`${first}/logs`, `${second}/moved`);
  await cifar(second, "--resume=a", "--logs=moved", "--epochs=2");
  const path = `${second}/moved/a`;
  const lines = (await Deno.readTextFile(`${path}/log.txt`)).trimEnd().split("\n");
  const { logs } = JSON.parse(await Deno.readTextFile(`${path}/config.json`));
  assert.deepEqual([lines.length, logs], [2, `${second}/moved`]);
  assert.deepEqual(Array.from(Deno.readDirSync(second), ({ name }) => name), ["moved"]);
});

Deno.test("convert: typed elsewhere, an error names the whole path", async () => {
  await using folder = await tempFolder();
  const place = { cwd: ROOT, env: { INIT_CWD: folder.path } };
  const { code, stderr } = await runTask("convert", ["net.pth", "--list"], place);
  assert.equal(code, 1);
  assert.ok(stderr.includes(`${folder.path}/net.pth`), stderr);
});
