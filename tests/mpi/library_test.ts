import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runAlone } from "../support/mpi.ts";
import { tempFolder } from "../support/temp_folder.ts";

const MPICH = { PMI_RANK: "0", PMI_SIZE: "2", MPI_LOCALRANKID: "0", MPI_LOCALNRANKS: "2" };
const OPEN_MPI = {
  OMPI_COMM_WORLD_RANK: "0",
  OMPI_COMM_WORLD_SIZE: "2",
  OMPI_COMM_WORLD_LOCAL_RANK: "0",
  OMPI_COMM_WORLD_LOCAL_SIZE: "2",
};

const linux = { ignore: Deno.build.os !== "linux" };

/** The only line that a process says which cannot open a library. */
async function refusal(options: Parameters<typeof runAlone>[1]): Promise<string> {
  const { code, stdout, stderr } = await runAlone("places", options);
  assert.deepEqual({ code, stdout }, { code: 5, stdout: "" }, stderr);
  return stderr;
}

const PACKAGES = {
  "openmpi-bin or mpich": ["libmpi.so.40", {}],
  "openmpi-bin": ["libmpi.so.40", OPEN_MPI],
  "mpich": ["libmpich.so.12", MPICH],
} as const;

for (const [packages, [name, env]] of Object.entries(PACKAGES)) {
  Deno.test(`openMpi: without a library, one line says to install ${packages}`, linux, async () => {
    await using folder = await tempFolder();
    const options = {
      allowed: [join(folder.path, name)],
      env: { ...env, LD_LIBRARY_PATH: folder.path },
    };
    assert.equal(
      await refusal(options),
      `Cannot open MPI: wanted its library, found none in its usual places: install ${packages} ` +
        "(Debian, Ubuntu), or name its path (--mpi_library)\n",
    );
  });
}

Deno.test("openMpi: says what the linker says of a library in a usual place", linux, async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "libmpi.so.40");
  await Deno.writeTextFile(path, "no library");
  const said = await refusal({ allowed: [path], env: { LD_LIBRARY_PATH: folder.path } });
  assert.match(
    said,
    /^Cannot open MPI: .* found \S+\/libmpi\.so\.40: file too short: install .*\n$/,
  );
});

Deno.test("openMpi: without permission for any, names the flag and a path", linux, async () => {
  assert.match(
    await refusal({ allowed: ["/nowhere"] }),
    /^Cannot open MPI: wanted --allow-ffi with the full path .* \/\S+\.so\.40, found no permission\n$/,
  );
});

const LIBC = [
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/lib64/libc.so.6",
].find((path) => existsSync(path)) ?? "";

const NAMED = {
  "is not there": ["/nowhere/libmpi.so", /found \/nowhere\/libmpi\.so: no such file\n$/],
  "is no library": ["/etc/passwd", /found \/etc\/passwd: \w.*\n$/],
  "is another library": [LIBC, /found \S+\/libc\.so\.6: undefined symbol: MPI_\w+\n$/],
} as const;

for (const [fault, [library, found]] of Object.entries(NAMED)) {
  Deno.test(`openMpi: a named library that ${fault}`, linux, async () => {
    const said = await refusal({ library, allowed: [library] });
    assert.match(
      said,
      /^Cannot open MPI: wanted the full path of the library of Open MPI or MPICH/,
    );
    assert.match(said, found);
  });
}

Deno.test("openMpi: a named library that may not be opened", linux, async () => {
  const library = "/nowhere/libmpi.so";
  assert.equal(
    await refusal({ library, allowed: ["/elsewhere"] }),
    "Cannot open MPI: wanted the full path of the library of Open MPI or MPICH and " +
      `--allow-ffi=${library}, found no permission\n`,
  );
});
