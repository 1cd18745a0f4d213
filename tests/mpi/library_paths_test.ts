import assert from "node:assert/strict";
import { mpiLibraryPaths } from "../../lib/mpi/library_paths.ts";

Deno.test("mpiLibraryPaths: the launcher decides whose library it is", () => {
  const names = (launcher?: "mpirun of Open MPI" | "mpirun of MPICH" | "srun") =>
    new Set(mpiLibraryPaths({ launcher }).map((path) => path.split("/").at(-1)));
  assert.deepEqual([...names("mpirun of Open MPI")], ["libmpi.so.40"]);
  assert.deepEqual([...names("mpirun of MPICH")], ["libmpich.so.12", "libmpi.so.12"]);
  assert.deepEqual([...names("srun")], ["libmpi.so.40", "libmpich.so.12", "libmpi.so.12"]);
  assert.deepEqual(names(), names("srun"));
});

Deno.test("mpiLibraryPaths: LD_LIBRARY_PATH comes first, its relative folders nowhere", () => {
  const libraryPath = "/opt/a/lib/:relative::/opt/b";
  const paths = mpiLibraryPaths({ launcher: "mpirun of Open MPI", libraryPath, arch: "x86_64" });
  assert.deepEqual(paths.slice(0, 3), [
    "/opt/a/lib/libmpi.so.40",
    "/opt/b/libmpi.so.40",
    "/usr/lib/x86_64-linux-gnu/libmpi.so.40",
  ]);
  assert.ok(paths.every((path) => path.startsWith("/") && !path.includes("//")));
});

Deno.test("mpiLibraryPaths: each processor has its folder, and no path is listed twice", () => {
  const paths = mpiLibraryPaths({ arch: "aarch64", libraryPath: "/usr/lib64" });
  assert.ok(paths.includes("/usr/lib/aarch64-linux-gnu/libmpich.so.12"));
  assert.ok(!paths.some((path) => path.includes("x86_64")));
  assert.equal(new Set(paths).size, paths.length);
});
