import assert from "node:assert/strict";
import config from "../../../deno.json" with { type: "json" };
import { mpiLibraryPaths } from "../../../lib/mpi/library_paths.ts";
import { RANK_VARIABLES } from "../../../lib/mpi/rank_place.ts";
import { CARD_VARIABLES } from "../../../tasks/launch/choose_card.ts";
import { type LaunchedTask, taskWords } from "../../../tasks/launch/task_words.ts";

const TASKS: readonly LaunchedTask[] = ["cifar", "finetune", "imagenet", "table"];

function wordsFor(task: LaunchedTask, options: { library?: string; libraryPath?: string } = {}) {
  const argv = ["--save", "my run"];
  return taskWords(task, { deno: "/bin/deno", script: "file:///a.ts", argv, ...options });
}

function valuesOf(words: readonly string[], flag: string): string[] {
  const values = words.filter((word) => word.startsWith(`${flag}=`));
  assert.equal(values.length, 1, flag);
  return values.join("").slice(flag.length + 1).split(",");
}

Deno.test("taskWords: a rank has its task's permissions, and MPI's beside", () => {
  const words = wordsFor("cifar", { libraryPath: "/opt/mine" });
  assert.deepEqual(words.slice(0, 4), ["/bin/deno", "run", "--quiet", "--no-prompt"]);
  assert.deepEqual(words.slice(-3), ["file:///a.ts", "--save", "my run"]);
  const own = config.tasks.cifar.command.split(" ").slice(2, -1);
  const kept = own.filter((word) => !word.startsWith("--allow-env="));
  assert.deepEqual(kept.filter((word) => !words.includes(word)), []);
  assert.equal(words.length, 4 + own.length + 1 + 3);
  assert.deepEqual(valuesOf(words, "--allow-env"), [
    ...valuesOf(own, "--allow-env"),
    ...RANK_VARIABLES,
  ]);
  const libraries = valuesOf(words, "--allow-ffi");
  assert.deepEqual(libraries, mpiLibraryPaths({ libraryPath: "/opt/mine" }));
  assert.ok(libraries.includes("/opt/mine/libmpi.so.40"));
});

Deno.test("taskWords: a library that is named is the only one", () => {
  const words = wordsFor("cifar", { library: "/a/libmpi.so.40" });
  assert.deepEqual(valuesOf(words, "--allow-ffi"), ["/a/libmpi.so.40"]);
});

Deno.test("taskWords: what may load any library to decode images is given no list of them", () => {
  for (const task of ["imagenet", "finetune", "table"] as const) {
    const ffi = wordsFor(task).filter((word) => word.startsWith("--allow-ffi"));
    assert.deepEqual(ffi, ["--allow-ffi"], task);
  }
});

Deno.test("deno.json: tasks may tell a rank, hand on the linker's variables, choose a card and start programs", () => {
  for (const task of TASKS) {
    const words = config.tasks[task].command.split(" ");
    const variables = valuesOf(words, "--allow-env");
    const wanted = ["OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK", ...CARD_VARIABLES];
    for (const name of [...wanted, "LD_LIBRARY_PATH", "LD_PRELOAD"]) {
      assert.ok(variables.includes(name), `${task} ${name}`);
    }
    assert.ok(!variables.includes("SLURM_PROCID"), task);
    assert.deepEqual(valuesOf(words, "--allow-run"), ["grep", "/usr/bin/env"]);
  }
});
