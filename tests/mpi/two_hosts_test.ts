import assert from "node:assert/strict";
import { runTask, taskCommand } from "../support/command.ts";
import { findMpi, mpirunFolder, OPEN_MPI } from "../support/mpi.ts";
import { processes, wantGone } from "../support/processes.ts";
import { RunningProcess } from "../support/running_process.ts";
import { assertSameRun } from "../support/same_run.ts";
import { tempFolder } from "../support/temp_folder.ts";
import {
  ENDLESS_FLAGS,
  nextEnd,
  TINY_ENV,
  TINY_STEPS,
  TWO_RANKS,
  writeTinyCifar,
} from "../support/tiny_cifar.ts";
import { findTwoHosts, TwoHosts } from "../support/two_hosts.ts";
import { linesOf } from "../support/tiny_run.ts";

const TIMEOUT = 5;
const PATIENCE = 10;

const [mpi, namespaces] = [await findMpi(OPEN_MPI), await findTwoHosts()];

Deno.test({
  name: "two hosts: ranks train over TCP to the bits of one host; where their link is cut each " +
    `says so and ends, and the run goes on elsewhere${mpi.note}${namespaces.note}`,
  ignore: mpi.ignore || namespaces.ignore,
  fn: async () => {
    await using folder = await mpirunFolder(OPEN_MPI);
    await using root = await tempFolder();
    const cwd = root.path;
    const place = { cwd, env: { PATH: `${folder.path}:${Deno.env.get("PATH")}`, ...TINY_ENV } };
    await writeTinyCifar(cwd);
    const run = `${cwd}/logs/cut`;
    {
      await using hosts = await TwoHosts.make();
      const args = [...ENDLESS_FLAGS, "--save=cut", `--mpi_timeout=${TIMEOUT}`];
      const starter = await hosts.starter();
      await using process = new RunningProcess(taskCommand("cifar", args, { ...place, starter }));
      // What runs there holds the output that is read to its end.
      await using _sooner = hosts;
      await process.says(/^epoch 2\/10000: /m);
      const all = await hosts.pids();
      const ranks = (await processes()).filter(({ pid, words }) =>
        all.includes(pid) && words.startsWith(Deno.execPath())
      );
      assert.ok(ranks.length >= 2, `${ranks.length} ranks`);
      await hosts.link("down");
      await wantGone(ranks.map(({ pid }) => pid), TIMEOUT + PATIENCE);
      // What Open MPI has on each host waits for the other one until the link is back.
      await hosts.link("up");
      const { code, stderr } = await process.end();
      await wantGone(all, PATIENCE);
      assert.equal(code, 1);
      for (const rank of [0, 1]) {
        const wanted = `error: rank ${rank}: Cannot .* 2 ranks: every rank must take part within ` +
          `${TIMEOUT} s, found rank ${rank} in exchange \\d+ still waiting`;
        assert.match(stderr, new RegExp(`^${wanted}$`, "m"));
      }
    }

    const end = await nextEnd(run);
    const whole = [...ENDLESS_FLAGS, ...TWO_RANKS, "--save=whole", end];
    const ends = [["--resume=cut", ...TWO_RANKS, end], whole]
      .map((args) => runTask("cifar", args, place));
    for (const { code, stderr } of await Promise.all(ends)) assert.equal(code, 0, stderr);
    await assertSameRun(run, `${cwd}/logs/whole`);

    const { length: steps } = await linesOf(run, "steps.jsonl");
    const alone = await runTask(
      "cifar",
      ["--resume=cut", `--max_steps=${steps + TINY_STEPS}`],
      place,
    );
    assert.equal(alone.code, 0, alone.stderr);
    assert.match(
      alone.stderr,
      /^Goes on with 1 rank after 2: with the same batches, but other bits$/m,
    );
    assert.equal((await linesOf(run, "steps.jsonl")).length, steps + TINY_STEPS);
  },
});
