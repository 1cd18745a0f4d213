import assert from "node:assert/strict";
import * as pupil from "../mod.ts";
import { tempFolder } from "./support/temp_folder.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const MOST_LINES = 42;

/** A script of the README: its block of TypeScript that begins with a comment of the file's name. */
async function readScript(name: string): Promise<string> {
  const readme = await Deno.readTextFile(`${ROOT}README.md`);
  const blocks = [...readme.matchAll(/^```ts\n(\/\/ (\w+\.ts)\n[^]*?)^```$/gm)]
    .filter((block) => block[2] === name);
  assert.equal(blocks.length, 1, `README.md must have one block that begins with // ${name}`);
  return blocks[0]?.[1] ?? "";
}

/** The last line that each script prints. */
const SCRIPTS = {
  "train.ts": /^WRN-10-0\.5 from WRN-10-1: \d+\.\d %$/,
  "similarity.ts": /^epoch 2: similarity 0\.0\d+$/,
};

/** The deno.json of a project that links to this one and has its code checked, ours too, as strictly as Deno can. */
const PROJECT = {
  links: [ROOT],
  compilerOptions: {
    exactOptionalPropertyTypes: true,
    noFallthroughCasesInSwitch: true,
    noImplicitOverride: true,
    noImplicitReturns: true,
    noPropertyAccessFromIndexSignature: true,
    noUncheckedIndexedAccess: true,
    noUnusedLocals: true,
    noUnusedParameters: true,
  },
};

for (const [name, lastLine] of Object.entries(SCRIPTS)) {
  Deno.test(`README: ${name} is short, passes the type check, and trains`, async () => {
    const script = await readScript(name);
    const lines = script.trimEnd().split("\n").length;
    assert.ok(lines <= MOST_LINES, `${lines} lines`);
    await using folder = await tempFolder();
    await Deno.writeTextFile(`${folder.path}/${name}`, script);
    await Deno.writeTextFile(`${folder.path}/deno.json`, JSON.stringify(PROJECT));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--check",
        "--no-prompt",
        "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND",
        `${folder.path}/${name}`,
      ],
      cwd: folder.path,
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    const last = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) ?? "";
    assert.match(last, lastLine);
  });
}

const SURFACE = {
  device: ["Gpu", "Program", "StepValues", "Tensor"],
  gradients: ["gradients", "stopGradient", "watch", "withoutGradients"],
  ops: ["add", "attentionMap", "avgPool2d", "batchNorm", "conv2d", "crossEntropy", "distillation"],
  "more ops": ["globalAvgPool2d", "linear", "maxPool2d", "mean", "relu", "softmax", "sum", "topK"],
  "many processes": ["HalfExchange", "openMpi", "rankPlaceOf", "soloWorld"],
  interop: ["shareWithTfjs"],
  measuring: ["measureCeilings", "summarise", "timeOnGpu"],
  losses: ["attentionTransfer", "distance", "gradientTerm", "Objective", "transferTerms"],
  optimiser: ["sgd", "stepSchedule"],
  models: ["foldedResNet", "groupWidths", "networkInNetwork", "openModel", "resNet", "wideResNet"],
  data: ["openCifar", "readCifar", "shapes", "takeImages"],
  training: ["evaluate", "fit", "Trainer"],
  weights: ["ParameterSet", "formatSafetensors", "parseSafetensors", "readSafetensors"],
};

for (const [part, names] of Object.entries(SURFACE)) {
  Deno.test(`mod: exports ${part}`, () => {
    for (const name of names) assert.equal(typeof Reflect.get(pupil, name), "function", name);
  });
}
