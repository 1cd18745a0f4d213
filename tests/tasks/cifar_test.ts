import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { fileTensor } from "../../lib/weights/file_tensor.ts";
import {
  type FileTensor,
  formatSafetensors,
  readSafetensors,
} from "../../lib/weights/safetensors.ts";
import { filesIn } from "../data/tar_gz.ts";
import { NO_ADAPTER, runTask } from "../support/command.ts";
import { TRAJECTORIES } from "../support/mini.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { tinyCifarFile, writeTinyCifar } from "../support/tiny_cifar.ts";

/** What a wrong command line or a wrong file comes to. */
interface Refusal {
  readonly args: readonly string[];
  /** The line on stderr, after `error: `. */
  readonly message: RegExp;
  /** Default: 1. */
  readonly code?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Spoils something first. */
  readonly prepare?: (root: string) => Promise<void>;
}

const ON_DATA = ["--dataroot", "data"];
const ON_SHAPES = ["--dataset", "shapes"];
const STUDENT = `${TRAJECTORIES}student_init.safetensors`;

async function writeWeights(path: string, change: (tensors: Map<string, FileTensor>) => void) {
  const { tensors } = await readSafetensors(STUDENT);
  const changed = new Map(tensors);
  change(changed);
  await Deno.writeFile(path, formatSafetensors(changed));
}

/** A folder with a small set, a run that is done, and weights with all kinds of faults. */
async function writeScene(root: string): Promise<void> {
  await writeTinyCifar(root);
  await Deno.mkdir(`${root}/logs/done`, { recursive: true });
  await Deno.writeTextFile(`${root}/logs/done/config.json`, "{}\n");
  await Deno.copyFile(STUDENT, `${root}/logs/done/model.safetensors`);
  await Deno.mkdir(`${root}/logs/begun`);
  await Deno.writeTextFile(`${root}/logs/begun/config.json`, "{}\n");
  const zeros = (...shape: number[]) =>
    fileTensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
  await writeWeights(`${root}/missing.safetensors`, (tensors) => {
    tensors.delete("group1.block0.bn1.running_var");
  });
  await writeWeights(`${root}/misshapen.safetensors`, (tensors) => {
    tensors.set("group1.block0.conv1", zeros(32, 32, 1, 1));
  });
  await writeWeights(`${root}/hundred.safetensors`, (tensors) => {
    tensors.set("fc.weight", zeros(100, 64)).set("fc.bias", zeros(100));
  });
  const bytes = await Deno.readFile(STUDENT);
  await Deno.writeFile(`${root}/cut.safetensors`, bytes.subarray(0, 5000));
}

/** Every file below a folder with the digest of its bytes. */
async function snapshot(root: string): Promise<string[]> {
  const rows: string[] = [];
  for (const name of await filesIn(root)) {
    if (name.endsWith("/")) rows.push(name);
    else {rows.push(
        `${name} ${createHash("md5").update(await Deno.readFile(`${root}/${name}`)).digest("hex")}`,
      );}
  }
  return rows;
}

const REFUSALS: Readonly<Record<string, Refusal>> = {
  "an unknown flag": {
    args: ["--bta", "1000"],
    code: 2,
    message: /^Cannot read the command line: expected a flag, found --bta; the nearest is --beta$/,
  },
  "a depth that is not 6n+4": {
    args: [...ON_SHAPES, "--depth", "15"],
    code: 2,
    message: /^Cannot train: --depth must be 6n\+4 .*, found 15; the nearest is 16$/,
  },
  // OpenGL ES has no half precision; where there is none, there is no adapter at all.
  "half precision on an adapter without it": {
    args: [...ON_SHAPES, "--dtype", "half"],
    env: { DENO_WEBGPU_BACKEND: "gl" },
    message:
      /^Cannot (train with --dtype half: wanted an adapter with the feature shader-f16, found .* without it|open a GPU: .*)$/,
  },
  "a negative beta": {
    args: [...ON_SHAPES, "--teacher", "done", "--beta", "-1"],
    code: 2,
    message: /^Cannot train: --beta must be a number of at least 0, found -1; the nearest is 0$/,
  },
  "a beta without a teacher": {
    args: [...ON_SHAPES, "--beta", "1000"],
    code: 2,
    message: /^Cannot train: --beta above 0 learns from a teacher, found --beta 1000 without one/,
  },
  "an unknown teacher": {
    args: [...ON_SHAPES, "--teacher", "dome", "--beta", "1000"],
    message:
      /^Cannot find run "dome": expected a run's name, a folder or a weights file, found nothing at \/.* and nothing at \/.*; the nearest.* done/,
  },
  "a teacher that has no weights": {
    args: [...ON_SHAPES, "--teacher", "begun", "--beta", "1000"],
    message: /^Cannot use run \/.*\/logs\/begun: wanted model\.safetensors in it, found none$/,
  },
  "a teacher of other classes": {
    args: [...ON_SHAPES, "--teacher", "hundred.safetensors", "--beta", "1000"],
    message:
      /^Cannot learn from teacher \/.*\/hundred\.safetensors: it must tell 10 classes apart, found 100$/,
  },
  "a teacher with a tensor too few": {
    args: [...ON_SHAPES, "--teacher", "missing.safetensors"],
    message:
      /^Cannot load weights: group1\.block0\.bn1\.running_var must be \[32\], found no such tensor in \/.*\/missing/,
  },
  "a teacher with a misshapen tensor": {
    args: [...ON_SHAPES, "--teacher", "misshapen.safetensors"],
    message:
      /^Cannot load weights: group1\.block0\.conv1 must be \[32, 32, 3, 3\], found \[32, 32, 1, 1\] in \/.*\/misshapen/,
  },
  "a teacher that is no weights file": {
    args: [...ON_SHAPES, "--teacher", "logs/done/config.json"],
    message: /^Cannot read \/.*\/logs\/done\/config\.json: /,
  },
  "first weights with a tensor too few": {
    args: [...ON_SHAPES, "--init", "missing.safetensors"],
    message:
      /^Cannot load weights: group1\.block0\.bn1\.running_var must be \[32\], found no such tensor in \/.*\/missing/,
  },
  "first weights with a misshapen tensor": {
    args: [...ON_SHAPES, "--init", "misshapen.safetensors"],
    message:
      /^Cannot load weights: group1\.block0\.conv1 must be \[32, 32, 3, 3\], found \[32, 32, 1, 1\] in \/.*\/misshapen/,
  },
  "first weights that are cut short": {
    args: [...ON_SHAPES, "--init", "cut.safetensors"],
    message: /^Cannot read \/.*\/cut\.safetensors: /,
  },
  "a part that the first weights do not have": {
    args: [...ON_SHAPES, "--init", "hundred.safetensors", "--take", "ema"],
    message:
      /^Cannot read \/.*\/hundred\.safetensors: wanted tensors whose names begin with ema\., found none$/,
  },
  "first weights that are not there": {
    args: [...ON_SHAPES, "--init", "none.safetensors"],
    message: /^Cannot read \/.*\/none\.safetensors: no such file$/,
  },
  "first weights that are a folder": {
    args: [...ON_SHAPES, "--init", "logs"],
    message: /^Cannot read \/.*\/logs: /,
  },
  "a run that is there": {
    args: [...ON_SHAPES, "--save", "done"],
    message:
      /^Cannot start a run in \/.*\/logs\/done: expected a new or empty folder, found config\.json in it; choose another --save$/,
  },
  "a data file that is cut short": {
    args: ON_DATA,
    prepare: (root) => Deno.truncate(tinyCifarFile(root, "data_batch_3.bin"), 4 * 3073 - 1),
    message: /^Cannot read \/.*\/data\/cifar-10-batches-bin\/data_batch_3\.bin: /,
  },
  "a data file with a label that is none": {
    args: ON_DATA,
    prepare: async (root) => {
      const bytes = await Deno.readFile(tinyCifarFile(root, "test_batch.bin"));
      bytes[3073] = 10;
      await Deno.writeFile(tinyCifarFile(root, "test_batch.bin"), bytes);
    },
    message: /^Cannot read \/.*\/data\/cifar-10-batches-bin\/test_batch\.bin: /,
  },
  "a data file that is missing": {
    args: ON_DATA,
    prepare: (root) => Deno.remove(tinyCifarFile(root, "data_batch_5.bin")),
    message: /^Cannot read \/.*\/data\/cifar-10-batches-bin\/data_batch_5\.bin: /,
  },
  "an archive with another MD5": {
    args: [],
    prepare: (root) => Deno.writeTextFile(`${root}/cifar-10-binary.tar.gz`, "half a download"),
    message:
      /^Cannot use \/.*\/cifar-10-binary\.tar\.gz: its MD5 must be c32a1d4ab5d03f1284b67883e8d87530, found [0-9a-f]{32}$/,
  },
  "more images than there are": {
    args: [...ON_DATA, "--train_images", "21"],
    message: /^Cannot take the first images: .* from 1 to 20, .* found 21$/,
  },
  "a machine without an adapter": {
    args: [...ON_SHAPES, "--save", "new"],
    env: NO_ADAPTER,
    message: /^Cannot open a GPU: wanted a WebGPU adapter, found none; `deno task setup` installs/,
  },
  "resuming what is no run": {
    args: ["--resume", "none"],
    message:
      /^Cannot find run "none": expected a run's name or a folder, found nothing at \/.*; the nearest/,
  },
  "resuming a run without settings": {
    args: ["--resume", "done"],
    message:
      /^Cannot read \/.*\/logs\/done\/config\.json: expected a number as depth, found nothing$/,
  },
  "evaluating on other classes": {
    args: [...ON_DATA, "--evaluate", "hundred.safetensors"],
    message:
      /^Cannot evaluate \/.*\/hundred\.safetensors on CIFAR10: it must tell 10 classes apart, found 100$/,
  },
};

for (const [what, { args, code = 1, message, env = {}, prepare }] of Object.entries(REFUSALS)) {
  Deno.test(`cifar: refuses ${what} in one line, and leaves everything as it was`, async () => {
    await using root = await tempFolder();
    await writeScene(root.path);
    await prepare?.(root.path);
    const before = await snapshot(root.path);
    const outcome = await runTask("cifar", args, { cwd: root.path, env });
    const [line = "", ...rest] = outcome.stderr.split("\n");
    assert.deepEqual([rest, outcome.stdout], [[""], ""], outcome.stderr);
    assert.match(line, /^error: /);
    assert.match(line.slice("error: ".length), message);
    assert.equal(outcome.code, code);
    assert.deepEqual(await snapshot(root.path), before);
  });
}

Deno.test("cifar: --help names every flag, --version the version, both without a GPU or a file", async () => {
  await using root = await tempFolder();
  const help = await runTask("cifar", ["--help"], { cwd: root.path, env: NO_ADAPTER });
  assert.deepEqual([help.code, help.stderr], [0, ""]);
  for (const flag of ["depth", "teacher", "beta", "max_steps", "resume", "evaluate"]) {
    assert.match(help.stdout, new RegExp(`^ +--${flag} <`, "m"), flag);
  }
  const version = await runTask("cifar", ["--version"], { cwd: root.path, env: NO_ADAPTER });
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  assert.deepEqual(await filesIn(root.path), []);
});

Deno.test("cifar: --debug shows the stack of an error", async () => {
  await using root = await tempFolder();
  const args = [...ON_SHAPES, "--teacher", "nobody", "--debug"];
  const { code, stderr } = await runTask("cifar", args, { cwd: root.path });
  assert.equal(code, 1);
  assert.match(stderr, /Cannot find run "nobody"[^]*\n +at /);
});
