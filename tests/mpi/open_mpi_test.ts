import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mpiLibraryPaths } from "../../lib/mpi/library_paths.ts";
import { openMpi } from "../../lib/mpi/open_mpi.ts";
import { findMpi, MPICH, OPEN_MPI, runAlone, runRanks } from "../support/mpi.ts";

function linesOf(text: string): string[] {
  return text.trimEnd().split("\n").sort();
}

const found = {
  [OPEN_MPI.launcher]: await findMpi(OPEN_MPI),
  [MPICH.launcher]: await findMpi(MPICH),
};

for (const mpi of [OPEN_MPI, MPICH]) {
  const { ignore = true, note = "" } = found[mpi.launcher] ?? {};
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({ name: `${mpi.program}: ${name}${note}`, ignore, fn });

  for (const ranks of [2, 3]) {
    test(`${ranks} ranks know their places, sum, find the largest, broadcast and gather`, async () => {
      const scenes = ["places", "sums", "halves", "others"];
      const { code, stdout, stderr } = await runRanks(mpi, scenes.join(), { ranks });
      assert.equal(code, 0, stderr);
      const all = Array.from({ length: ranks }, (_, rank) => rank);
      assert.deepEqual(
        linesOf(stdout),
        all.flatMap((rank) => [
          `rank ${rank} of ${ranks}, ${rank} here`,
          ...scenes.map((scene) => `rank ${rank}: ${scene}`),
        ]).sort(),
      );
    });
  }

  test("timers go on while an exchange waits for a late rank", async () => {
    const { code, stderr } = await runRanks(mpi, "late");
    assert.equal(code, 0, stderr);
  });

  test("a rank that never comes leads to one message, after which nothing is exchanged and all end", async () => {
    const { code, stderr } = await runRanks(mpi, "missing");
    assert.equal(code, 7, stderr);
    assert.deepEqual(stderr.split("\n").filter((line) => line.startsWith("Cannot")), [
      "Cannot sum 3 numbers over 2 ranks: every rank must take part within 2 s, found rank 0 in exchange 1 still waiting",
    ]);
  });

  test("an error of MPI is one line", async () => {
    const { code, stderr } = await runRanks(mpi, "misfit");
    assert.equal(code, 5, stderr);
    assert.match(
      stderr,
      /^Cannot broadcast 8 bytes of rank 0 to 2 ranks: MPI must succeed, found .*truncated in rank 1 in exchange 1$/m,
    );
  });

  test("a process without a launcher is a world of its own", async () => {
    const allowed = mpiLibraryPaths({ launcher: mpi.launcher });
    const { code, stdout, stderr } = await runAlone("others", { allowed });
    assert.deepEqual({ code, stdout }, { code: 0, stdout: "rank 0: others\n" }, stderr);
  });

  test("a rank that may not read its variables is told so", async () => {
    const { code, stderr } = await runRanks(mpi, "places", { variables: ["LD_LIBRARY_PATH"] });
    assert.equal(code, 5, stderr);
    assert.match(
      stderr,
      /^Cannot join the ranks: the launcher's variables say rank 0 of 1, found rank \d of 2 in \S+; --allow-env must name RANK_VARIABLES$/m,
    );
  });
}

const missing = Object.values(found).find(({ ignore }) => ignore);

Deno.test({
  name: `openMpi: the library of the other MPI is refused before it starts${missing?.note ?? ""}`,
  ignore: missing !== undefined,
  fn: async () => {
    const others = mpiLibraryPaths({ launcher: MPICH.launcher });
    const library = others.find((path) => existsSync(path)) ?? "";
    const { code, stderr } = await runRanks(OPEN_MPI, "places", { library, allowed: [library] });
    assert.equal(code, 5, stderr);
    assert.match(
      stderr,
      /^Cannot join the ranks: mpirun of Open MPI started them and needs its own library, found MPICH in \S+$/m,
    );
  },
});

Deno.test("openMpi: the timeout must be above 0", async () => {
  for (const timeoutSeconds of [0, -1, NaN]) {
    await assert.rejects(openMpi({ timeoutSeconds }), {
      name: "RangeError",
      message: `Cannot open MPI: the timeout must be above 0 s, found ${timeoutSeconds}`,
    });
  }
});
