import assert from "node:assert/strict";
import { type Place, taskCommand } from "../../support/command.ts";
import { findMpi, type Mpi, MPICH, mpirunFolder, OPEN_MPI } from "../../support/mpi.ts";
import { shell, wantGone } from "../../support/processes.ts";
import { RunningProcess } from "../../support/running_process.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const script = "tests/support/launch_run.ts";
const ROOT = new URL("../../../", import.meta.url).pathname;
const cwd = import.meta.dirname ?? ".";
const PATH = Deno.env.get("PATH") ?? "";

async function run(args: readonly string[], place: Partial<Place> = {}) {
  await using process = new RunningProcess(taskCommand("cifar", args, { cwd, script, ...place }));
  return await process.end();
}

/** Runs the script in two ranks that `mpirun` starts, without the launcher. */
function runUnder({ program, flags }: Mpi, args: readonly string[]) {
  return run(args, { starter: [program, ...flags, "-n", "2"] });
}

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n").sort();
}

/** Two ranks at work, and the processes that they consist of, in a session of their own. */
async function work(path: string) {
  const process = new RunningProcess(
    taskCommand("cifar", ["work", "--ngpu", "2"], {
      cwd,
      script,
      env: { PATH: path },
      starter: ["setsid", "--wait"],
    }),
  );
  const rank0 = await process.says(/^rank 0 (\d+)$/m);
  const rank1 = await process.says(/^rank 1 (\d+)$/m);
  const launcher = await process.says(/^process (\d+)$/m);
  const mpirun = await shell(
    `ps --ppid "$0" -o pid=,comm= | grep -v "sh$" | tr -dc "0-9\n"`,
    launcher,
  );
  return { process, pids: { launcher, mpirun, rank0, rank1 } };
}

const SECONDS = 10;

for (const mpi of [OPEN_MPI, MPICH]) {
  const { ignore, note } = await findMpi(mpi);
  const test = (name: string, fn: (path: string) => Promise<void>) =>
    Deno.test({
      name: `launch: ${mpi.program}: ${name}${note}`,
      ignore,
      fn: async () => {
        await using folder = await mpirunFolder(mpi);
        await fn(`${folder.path}:${PATH}`);
      },
    });
  const wanted = (size: number) =>
    Array.from(
      { length: size },
      (_, rank) => `rank ${rank} of ${size}, ${rank} here, chose by nothing`,
    );

  test("--ngpu starts ranks, on GPUs by their numbers, more than cores if told", async (path) => {
    const [two, many] = await Promise.all([
      run(["speak", "--ngpu=2", "--gpu-id", "0,1"], { env: { PATH: path } }),
      run(["speak", "--ngpu", `${navigator.hardwareConcurrency + 1}`, "--oversubscribe"], {
        env: { PATH: path },
      }),
    ]);
    assert.deepEqual([two.code, linesOf(two.stdout)], [0, wanted(2)], two.stderr);
    assert.deepEqual(linesOf(many.stdout), wanted(navigator.hardwareConcurrency + 1), many.stderr);
  });

  test("a rank of mpirun is started again with the permissions for MPI", async () => {
    const { code, stdout, stderr } = await runUnder(mpi, ["speak"]);
    assert.deepEqual([code, linesOf(stdout)], [0, wanted(2)], stderr);
  });

  test("another number of ranks than --ngpu is refused", async () => {
    const { code, stderr } = await runUnder(mpi, ["speak", "--ngpu", "3"]);
    assert.equal(code, 2, stderr);
    assert.match(
      stderr,
      /^error: Cannot join the ranks: --ngpu must be their number or left out, found 3 for 2 ranks$/m,
    );
  });

  test("the exit code of a rank that fails comes through", async (path) => {
    const { code, stderr } = await run(["fail", "--ngpu", "2"], { env: { PATH: path } });
    assert.equal(code, 7, stderr);
    assert.match(
      stderr,
      /^error: Cannot go on: every rank must come to its end, found exit code 7 /m,
    );
  });

  test("Ctrl-C, and SIGTERM to the launcher, let the ranks save", async (path) => {
    await Promise.all(
      ([["SIGINT", 130], ["SIGTERM", 143]] as const).map(async ([signal, wanted]) => {
        const { process, pids } = await work(path);
        await using _held = process;
        const group = await shell('ps -o pgid= -p "$0" | tr -d " "', pids.launcher);
        const target = signal === "SIGINT" ? `-${group}` : pids.launcher;
        await shell('kill "-$1" "$0"', target, signal.slice(3));
        const { code, stderr } = await process.end();
        assert.equal(code, wanted, stderr);
        assert.match(stderr, /^rank 0 saved$/m);
        assert.match(stderr, /^rank 1 saved$/m);
        assert.doesNotMatch(stderr, /Cannot/);
        await wantGone(Object.values(pids), 0);
      }),
    );
  });

  test("nothing is left 10 s after one of the processes was killed", async (path) => {
    await Promise.all((["launcher", "mpirun", "rank0", "rank1"] as const).map(async (victim) => {
      const { process, pids } = await work(path);
      await using _held = process;
      assert.notEqual(pids.mpirun, "");
      await shell('kill -KILL "$0"', pids[victim]);
      await wantGone(Object.values(pids), SECONDS);
      const { code, stderr } = await process.end();
      assert.notEqual(code, 0);
      if (victim !== "launcher") assert.match(stderr, /^error: Cannot go on: every rank/m);
    }));
  });

  /** Two ranks of mpirun at work, with what has started each, and what has started that. */
  const workUnder = async () => {
    const starter = [mpi.program, ...mpi.flags, "-n", "2", "sh", "-c", '"$0" "$@"; exit $?'];
    const process = new RunningProcess(taskCommand("cifar", ["work"], { cwd, script, starter }));
    const [rank0, rank1] = [
      await process.says(/^rank 0 (\d+)$/m),
      await process.says(/^rank 1 (\d+)$/m),
    ];
    const parentOf = (pid: string) => shell('ps -o ppid= -p "$0" | tr -d " "', pid);
    const launcher = await parentOf(rank1);
    return { process, pids: { launcher, parent: await parentOf(launcher), rank0, rank1 } };
  };

  test("nothing is left of a rank of mpirun whose parents were killed", async () => {
    await Promise.all((["launcher", "parent"] as const).map(async (victim) => {
      const { process, pids } = await workUnder();
      await using _held = process;
      await shell('kill -KILL "$0"', pids[victim]);
      await wantGone(Object.values(pids), SECONDS);
      assert.notEqual((await process.end()).code, 0);
    }));
  });

  test("SIGTERM to what has started a rank of mpirun lets all ranks save", async () => {
    const { process, pids } = await workUnder();
    await using _held = process;
    await shell('kill -TERM "$0"', pids.launcher);
    const { stderr } = await process.end();
    assert.match(stderr, /^rank 0 saved$/m);
    assert.match(stderr, /^rank 1 saved$/m);
    await wantGone(Object.values(pids), 0);
  });
}

/** A folder with what Deno and the launcher start, but no MPI. */
async function folderWithoutMpi() {
  const folder = await tempFolder();
  for (const program of ["grep", "id", "sh"]) {
    await Deno.symlink(await shell('command -v "$0"', program), `${folder.path}/${program}`);
  }
  return folder;
}

Deno.test("launch: without MPI, one line names the package", async () => {
  await using folder = await folderWithoutMpi();
  const { code, stderr } = await run(["speak", "--ngpu", "2", "--oversubscribe"], {
    env: { PATH: folder.path },
  });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^process \d+\nerror: Cannot start 2 ranks: wanted mpirun of Open MPI or MPICH, found none; on Debian and Ubuntu: apt-get install openmpi-bin\n$/,
  );
});

const COUNT = navigator.hardwareConcurrency + 1;

for (
  const [args, code, message] of [
    [
      ["--ngpu", `${COUNT}`],
      2,
      `Cannot start ${COUNT} ranks: wanted a core for each, found ${
        COUNT - 1
      }; --oversubscribe lets ranks share cores`,
    ],
    [
      ["--ngpu", "2", "--gpu_id", "0", "--oversubscribe"],
      2,
      "Cannot give 2 ranks a GPU each: --gpu_id must name 2, found 0",
    ],
    [["--gpu_id", "999"], 2, "Cannot open GPU 999: --gpu_id must name what is there, found "],
  ] as const
) {
  Deno.test(`launch: ${args.join(" ")} is refused with one line`, async () => {
    const outcome = await run(["speak", ...args]);
    const [, line = "", ...rest] = outcome.stderr.split("\n");
    assert.deepEqual([outcome.code, rest], [code, [""]]);
    assert.ok(line.startsWith(`error: ${message}`), line);
  });
}

Deno.test("launch: a process alone goes on itself", async () => {
  for (const args of [[], ["--ngpu", "1"], ["--gpu_id", "0"]]) {
    const { stdout, stderr } = await run(["alone", ...args]);
    assert.equal(stdout, "goes on alone\n", stderr);
    assert.match(stderr, /^process \d+\n$/);
  }
});

Deno.test("launch: a rank without permissions and without a way to them says what it wants", async () => {
  for (
    const [permission, wanted] of [
      [
        "--allow-env=PMI_RANK,INIT_CWD",
        /--allow-ffi and --allow-env, or --allow-run=\/usr\/bin\/env/,
      ],
      ["--allow-env", /--allow-ffi with the path of MPI's library, such as \/\S+/],
    ] as const
  ) {
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-q", "--no-prompt", "--allow-read", permission, `${ROOT}${script}`, "speak"],
      env: { PMI_RANK: "0", INIT_CWD: cwd, NO_COLOR: "1" },
    }).output();
    const [, line = "", ...rest] = new TextDecoder().decode(stderr).split("\n");
    assert.deepEqual([code, rest], [1, [""]], line);
    assert.match(line, /^error: Cannot join the ranks: wanted .*, found no such permission$/);
    assert.match(line, wanted);
  }
});

Deno.test("launch: a rank with half of its variables is none", async () => {
  const { code, stderr } = await run(["speak"], { env: { PMI_RANK: "0" } });
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^error: Cannot join the ranks: wanted the variables of mpirun, or of srun with --mpi=pmix, found only PMI_RANK$/m,
  );
});
