import assert from "node:assert/strict";
import { runTask, taskCommand } from "../support/command.ts";
import { findMpi, MPICH, mpirunFolder, OPEN_MPI } from "../support/mpi.ts";
import { familyOf, wantGone } from "../support/processes.ts";
import { RunningProcess } from "../support/running_process.ts";
import { assertSameRun } from "../support/same_run.ts";
import { tempFolder } from "../support/temp_folder.ts";
import {
  adviceOf,
  ENDLESS_FLAGS,
  nextEnd,
  savedStep,
  TINY_ENV,
  TINY_STEPS,
  TWO_RANKS,
  writeTinyCifar,
} from "../support/tiny_cifar.ts";

/** What may be killed, as its command and its environment show it. */
const SIGNS = {
  "rank 0": /--allow-ffi=.* (OMPI_COMM_WORLD_RANK|PMI_RANK)=0( |$)/,
  "rank 1": /--allow-ffi=.* (OMPI_COMM_WORLD_RANK|PMI_RANK)=1( |$)/,
  mpirun: /^mpirun/,
};

for (
  const [mpi, victims] of [
    [OPEN_MPI, ["rank 0", "rank 1", "mpirun"]],
    [MPICH, ["rank 0"]],
  ] as const
) {
  const { ignore, note } = await findMpi(mpi);
  Deno.test({
    name:
      `cifar: ${mpi.program}: two ranks that are killed and stopped end as if they never were${note}`,
    ignore,
    fn: async () => {
      await using folder = await mpirunFolder(mpi);
      await using root = await tempFolder();
      const cwd = root.path;
      const place = { cwd, env: { PATH: `${folder.path}:${Deno.env.get("PATH")}`, ...TINY_ENV } };
      await writeTinyCifar(cwd);
      const run = `${cwd}/logs/killed`;
      let args = [...ENDLESS_FLAGS, ...TWO_RANKS, "--save=killed"];
      let saved = 0;
      for (const victim of victims) {
        await using process = new RunningProcess(taskCommand("cifar", args, place));
        await process.says(/^epoch \d+\/10000: /m);
        const family = await familyOf(process.pid);
        const found = family.filter(({ words }) => SIGNS[victim].test(words));
        assert.equal(found.length, 1, victim);
        for (const { pid } of found) Deno.kill(Number(pid), "SIGKILL");
        await wantGone(family.map(({ pid }) => pid), 10);
        const { code, stderr } = await process.end();
        assert.notEqual(code, 0);
        const errors = stderr.split("\n").filter((line) => line.startsWith("error: "));
        assert.equal(errors.length, 1, stderr);
        assert.match(errors[0] ?? "", /^error: Cannot go on: every rank must come to its end, /);
        const before = saved;
        saved = await savedStep(run);
        assert.ok(saved > before && saved % TINY_STEPS === 0, `step ${saved} after ${before}`);
        args = ["--resume=killed", ...TWO_RANKS];
      }
      await using process = new RunningProcess(taskCommand("cifar", args, place));
      await process.says(/^epoch \d+\/10000: /m);
      process.kill("SIGINT");
      const { code, stderr } = await process.end();
      assert.equal(code, 130, stderr);
      const advice = adviceOf(stderr);
      assert.deepEqual(advice, ["--resume", "killed", ...TWO_RANKS]);
      assert.ok(await savedStep(run) > saved);

      const end = await nextEnd(run);
      const whole = [...ENDLESS_FLAGS, ...TWO_RANKS, "--save=whole", end];
      const ends = [[...advice, end], whole].map((args) => runTask("cifar", args, place));
      for (const { code, stderr } of await Promise.all(ends)) assert.equal(code, 0, stderr);
      await assertSameRun(run, `${cwd}/logs/whole`);
    },
  });
}
