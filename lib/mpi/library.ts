import { mpiLibraryPaths } from "./library_paths.ts";
import { MpiError } from "./mpi_error.ts";
import type { RankPlace } from "./rank_place.ts";

/**
 * A handle (communicator, type, operation) is a pointer in Open MPI and an `int` in MPICH. Both are passed as a word:
 * x86-64 and AArch64 give each argument a register or eight bytes of stack, of which an `int` is the lower half.
 */
const HANDLE = "usize";

// Called off the main thread: a blocking call would stop timers and signals.
const CALLS = {
  MPI_Init_thread: {
    parameters: ["pointer", "pointer", "i32", "buffer"],
    result: "i32",
    nonblocking: true,
  },
  MPI_Bcast: {
    parameters: ["buffer", "i32", HANDLE, "i32", HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Allreduce: {
    parameters: [HANDLE, "buffer", "i32", HANDLE, HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Alltoall: {
    parameters: ["buffer", "i32", HANDLE, "buffer", "i32", HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Allgather: {
    parameters: ["buffer", "i32", HANDLE, "buffer", "i32", HANDLE, HANDLE],
    result: "i32",
    nonblocking: true,
  },
  MPI_Barrier: { parameters: [HANDLE], result: "i32", nonblocking: true },
  MPI_Abort: { parameters: [HANDLE, "i32"], result: "i32", nonblocking: true },
  MPI_Finalize: { parameters: [], result: "i32", nonblocking: true },
  MPI_Comm_rank: { parameters: [HANDLE, "buffer"], result: "i32" },
  MPI_Comm_size: { parameters: [HANDLE, "buffer"], result: "i32" },
  MPI_Comm_set_errhandler: { parameters: [HANDLE, HANDLE], result: "i32" },
  MPI_Error_string: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // Of the C library, found through MPI's. Deno gives a pointer's number only to those who may call any library.
  dlopen: { parameters: ["buffer", "i32"], result: HANDLE },
  dlsym: { parameters: [HANDLE, "buffer"], result: HANDLE },
} as const satisfies Deno.ForeignLibraryInterface;

/** The functions of MPI that are used. */
export type MpiCalls = Deno.DynamicLibrary<typeof CALLS>["symbols"];

/** What MPI's functions are given: addresses in Open MPI, numbers in MPICH. */
export interface MpiHandles {
  readonly world: bigint;
  readonly byte: bigint;
  readonly float: bigint;
  readonly uint32: bigint;
  readonly sum: bigint;
  readonly max: bigint;
  readonly inPlace: bigint;
  readonly errorsReturn: bigint;
}

/** An opened library of MPI. */
export interface MpiLibrary {
  /** Where it lies. */
  readonly path: string;
  /** Whose it is. */
  readonly maker: "Open MPI" | "MPICH";
  /** Its functions. */
  readonly calls: MpiCalls;
  /** What they are given. */
  readonly handles: MpiHandles;
}

/** From MPICH's mpi.h; Intel MPI, MVAPICH and Cray MPICH have agreed to the same numbers. */
const MPICH_HANDLES: MpiHandles = {
  world: 0x44000000n,
  byte: 0x4c00010dn,
  float: 0x4c00040an,
  uint32: 0x4c00043dn,
  sum: 0x58000003n,
  max: 0x58000001n,
  inPlace: 0xffff_ffff_ffff_ffffn,
  errorsReturn: 0x54000001n,
};

const RTLD_NOW_GLOBAL = 0x102;

function load(path: string): MpiLibrary {
  const calls = Deno.dlopen(path, CALLS).symbols;
  const text = (characters: string) => new TextEncoder().encode(`${characters}\0`);
  // Open MPI's manual wants its symbols to be global, where plugins look them up; Deno keeps them to itself.
  const self = calls.dlopen(text(path), RTLD_NOW_GLOBAL);
  const address = (symbol: string) => calls.dlsym(self, text(symbol));
  const world = address("ompi_mpi_comm_world");
  if (world === 0n) return { path, maker: "MPICH", calls, handles: MPICH_HANDLES };
  const handles = {
    world,
    byte: address("ompi_mpi_byte"),
    float: address("ompi_mpi_float"),
    uint32: address("ompi_mpi_uint32_t"),
    sum: address("ompi_mpi_op_sum"),
    max: address("ompi_mpi_op_max"),
    inPlace: 1n,
    errorsReturn: address("ompi_mpi_errors_return"),
  };
  return { path, maker: "Open MPI", calls, handles };
}

function isAllowed(path: string): boolean {
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted";
}

/** What the dynamic linker says of a library, `undefined` where there is none. */
function faultOf(error: Error, path: string): string | undefined {
  const at = error.message.indexOf(`${path}: `);
  const fault = at < 0 ? error.message : error.message.slice(at + path.length + 2);
  return at >= 0 && fault.includes("No such file") ? undefined : fault;
}

function loadNamed(path: string): MpiLibrary {
  const wanted = "wanted the full path of the library of Open MPI or MPICH";
  if (!isAllowed(path)) {
    throw new MpiError(`Cannot open MPI: ${wanted} and --allow-ffi=${path}, found no permission`);
  }
  try {
    return load(path);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const fault = faultOf(error, path) ?? "no such file";
    throw new MpiError(`Cannot open MPI: ${wanted}, found ${path}: ${fault}`, { cause: error });
  }
}

function packagesFor(launcher: RankPlace["launcher"] | undefined): string {
  if (launcher === "mpirun of Open MPI") return "openmpi-bin";
  return launcher === "mpirun of MPICH" ? "mpich" : "openmpi-bin or mpich";
}

/**
 * Opens the library of MPI.
 *
 * @param options.library Its full path. Default: the first that opens of {@link mpiLibraryPaths}.
 * @param options.launcher What started the ranks.
 * @param options.libraryPath The value of `LD_LIBRARY_PATH`.
 * @throws {MpiError} If there is none, it is none of MPI, or may not be opened.
 */
export function openLibrary(
  { library, launcher, libraryPath }: {
    readonly library?: string | undefined;
    readonly launcher?: RankPlace["launcher"] | undefined;
    readonly libraryPath?: string | undefined;
  },
): MpiLibrary {
  if (library !== undefined) return loadNamed(library);
  const paths = mpiLibraryPaths({ launcher, libraryPath });
  const allowed = paths.filter(isAllowed);
  if (allowed.length === 0) {
    throw new MpiError(
      `Cannot open MPI: wanted --allow-ffi with the full path of its library, such as ${
        paths.at(0)
      }, found no permission`,
    );
  }
  const faults: string[] = [];
  for (const path of allowed) {
    try {
      return load(path);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const fault = faultOf(error, path);
      if (fault !== undefined) faults.push(`${path}: ${fault}`);
    }
  }
  const found = faults.length === 0 ? "none in its usual places" : faults.join(", ");
  throw new MpiError(
    `Cannot open MPI: wanted its library, found ${found}: install ${packagesFor(launcher)} ` +
      "(Debian, Ubuntu), or name its path (--mpi_library)",
  );
}
