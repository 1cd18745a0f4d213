import assert from "node:assert/strict";
import { findMpirun, makerOf, mpirunWords } from "../../../tasks/launch/mpirun.ts";

const OPEN_MPI = "mpirun (Open MPI) 4.1.4\n";
const MPICH = "HYDRA build details:\n    Version:    4.0.2\n";

function machineWith(programs: Readonly<Record<string, string>>) {
  return (program: string) => Promise.resolve(programs[program] ?? null);
}

Deno.test("makerOf: tells Open MPI from what is built on MPICH, and from strangers", () => {
  assert.equal(makerOf(OPEN_MPI), "Open MPI");
  assert.equal(makerOf("mpirun.openmpi (OpenRTE) 4.1.4"), "Open MPI");
  assert.equal(makerOf("prterun (PRRTE) 3.0.0"), "Open MPI");
  assert.equal(makerOf(MPICH), "MPICH");
  assert.equal(makerOf("Intel(R) MPI Library for Linux* OS, Version 2021.9"), "MPICH");
  assert.equal(makerOf("mpirun of somebody else"), null);
});

Deno.test("findMpirun: takes the first program that is one", async () => {
  const both = { "mpirun": OPEN_MPI, "mpirun.openmpi": OPEN_MPI, "mpirun.mpich": MPICH };
  assert.deepEqual(await findMpirun({ versionOf: machineWith(both) }), {
    program: "mpirun",
    maker: "Open MPI",
  });
  const odd = { "mpirun": "somebody else's", "mpiexec": MPICH };
  assert.deepEqual(await findMpirun({ versionOf: machineWith(odd) }), {
    program: "mpiexec",
    maker: "MPICH",
  });
  assert.equal(await findMpirun({ versionOf: machineWith({}) }), null);
});

Deno.test("findMpirun: the library decides whose program it is", async () => {
  const versionOf = machineWith({ "mpirun": OPEN_MPI, "mpirun.mpich": MPICH });
  for (const library of ["/usr/lib/libmpich.so.12", "/opt/lib/libmpi.so.12"]) {
    const found = await findMpirun({ library, versionOf });
    assert.deepEqual(found, { program: "mpirun.mpich", maker: "MPICH" });
  }
  const library = "/opt/lib/libmpi.so.40";
  assert.equal((await findMpirun({ library, versionOf }))?.program, "mpirun");
  assert.equal(await findMpirun({ library, versionOf: machineWith({ "mpirun": MPICH }) }), null);
});

Deno.test("mpirunWords: Open MPI counts no cores, binds no rank to one, and lets ranks that wait yield theirs", () => {
  assert.deepEqual(mpirunWords({ program: "mpirun", maker: "Open MPI" }, 4), [
    ...["mpirun", "-n", "4", "--quiet", "--oversubscribe", "--bind-to", "none"],
    ...["--mca", "mpi_yield_when_idle", "1"],
  ]);
});

Deno.test("mpirunWords: MPICH needs only the number", () => {
  assert.deepEqual(mpirunWords({ program: "mpiexec", maker: "MPICH" }, 3), ["mpiexec", "-n", "3"]);
});
