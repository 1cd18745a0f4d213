import type { MpiLibrary } from "./library.ts";
import { MpiError } from "./mpi_error.ts";

/** What MPI says of an error, without MPICH's stack. */
function errorText({ calls }: MpiLibrary, code: number): string {
  const text = new Uint8Array(8192);
  const length = new Int32Array(1);
  calls.MPI_Error_string(code, text, length);
  const [first = ""] = new TextDecoder().decode(text.subarray(0, length[0])).split(
    ", error stack:",
  );
  return first.trim();
}

/** How the errors of a call of MPI are worded, and when it is late. */
export interface SettleOptions {
  /** What the call does, to follow "Cannot". */
  readonly action: string;
  /** Who waits for it, to follow "found". */
  readonly waiter: string;
  /** How long it may take. */
  readonly timeoutSeconds: number;
}

/**
 * Waits for a call of MPI. One that was begun cannot be taken back, so after an error the process should end.
 *
 * @param library The library that was called.
 * @param result The code that the call returns.
 * @param options How its errors are worded, and when it is late.
 * @throws {MpiError} If the code is an error, or does not come in time.
 */
export async function settle(
  library: MpiLibrary,
  result: Promise<number>,
  { action, waiter, timeoutSeconds }: SettleOptions,
): Promise<void> {
  const late = Promise.withResolvers<never>();
  const wanted = `every rank must take part within ${timeoutSeconds} s`;
  const timer = setTimeout(() => {
    late.reject(new MpiError(`Cannot ${action}: ${wanted}, found ${waiter} still waiting`));
  }, timeoutSeconds * 1000);
  try {
    const code = await Promise.race([result, late.promise]);
    if (code === 0) return;
    const found = `${errorText(library, code)} in ${waiter}`;
    throw new MpiError(`Cannot ${action}: MPI must succeed, found ${found}`);
  } finally {
    clearTimeout(timer);
  }
}
