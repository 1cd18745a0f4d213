import type { RankPlace } from "./rank_place.ts";

/** The names of Open MPI's library; 3, 4 and 5 share one. */
const OPEN_MPI = ["libmpi.so.40"];
/** The names of MPICH's library and those built on it: Debian's, and everybody else's. */
const MPICH = ["libmpich.so.12", "libmpi.so.12"];

const TRIPLES: Readonly<Record<string, string>> = {
  x86_64: "x86_64-linux-gnu",
  aarch64: "aarch64-linux-gnu",
};

function namesFor(launcher: RankPlace["launcher"] | undefined): string[] {
  if (launcher === "mpirun of Open MPI") return OPEN_MPI;
  if (launcher === "mpirun of MPICH") return MPICH;
  return [...OPEN_MPI, ...MPICH];
}

/**
 * Lists where the library of MPI may lie, the likeliest first: in the folders of `LD_LIBRARY_PATH`, then where
 * distributions install it. `--allow-ffi` takes such paths; it does not look a bare name up as a linker does.
 *
 * @param options.launcher What started the ranks, which decides whose library it is. Default: either.
 * @param options.libraryPath The value of `LD_LIBRARY_PATH`. Default: empty.
 * @param options.arch The processor, as in `Deno.build.arch`. Default: this machine's.
 * @returns Full paths.
 * @example
 * ```ts
 * import { mpiLibraryPaths } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * const paths = mpiLibraryPaths({ launcher: "mpirun of MPICH", libraryPath: "/opt/mine/lib" });
 * assert.equal(paths[0], "/opt/mine/lib/libmpich.so.12");
 * assert.ok(paths.includes("/usr/lib64/mpich/lib/libmpi.so.12"));
 * ```
 */
export function mpiLibraryPaths(
  { launcher, libraryPath = "", arch = Deno.build.arch }: {
    readonly launcher?: RankPlace["launcher"] | undefined;
    readonly libraryPath?: string | undefined;
    readonly arch?: string;
  } = {},
): string[] {
  const triple = TRIPLES[arch];
  const folders = [
    ...libraryPath.split(":").filter((folder) => folder.startsWith("/")),
    ...(triple === undefined ? [] : [`/usr/lib/${triple}`]),
    "/usr/lib64/openmpi/lib",
    "/usr/lib64/mpich/lib",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/local/lib64",
    "/opt/openmpi/lib",
    "/opt/mpich/lib",
    "/opt/amazon/openmpi/lib64",
  ];
  const names = namesFor(launcher);
  const paths = names.flatMap((name) =>
    folders.map((folder) => `${folder.replace(/\/+$/, "")}/${name}`)
  );
  return [...new Set(paths)];
}
