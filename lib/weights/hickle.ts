import type { Arrays, FileTensor } from "./file_tensor.ts";
import type { HickleReply, HickleRequest } from "./hickle_worker.ts";
import { decodedLimit } from "./limits.ts";

const PATIENCE = 5_000;
/** Starting the library does not depend on the file, only on how busy the machine is. */
const START_PATIENCE = 60_000;
const GRACE = 250;
/** Bytes a millisecond: a fiftieth of what a quiet machine reads. */
const SLOWEST = 1_000;
const MEBIBYTE = 2 ** 20;
/** A second worker costs its start; below this many bytes it does not pay. */
const BYTES_A_WORKER = 24 * MEBIBYTE;
const MOST_WORKERS = 4;

/**
 * Reads the arrays of a hickle file, versions 1 to 5, from disk. The HDF5 library runs in workers, several for a large
 * file, which are ended when five seconds pass without a step, or far more than the file's size asks for.
 *
 * @param path The file; errors name it.
 * @param options.patience The milliseconds that may pass without a step before the workers are ended.
 * @param options.start Starts a worker.
 * @returns Arrays by name, nested dicts joined with dots, in the order of the dicts.
 * Text, None and objects are left out.
 * @throws {Error} If the file is damaged, or holds numbers that a tensor cannot have.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile({ suffix: ".hkl" });
 * await assert.rejects(readHickle(path), /^Error: Cannot read .*\.hkl: /);
 * await Deno.remove(path);
 * ```
 */
export async function readHickle(
  path: string,
  { patience = PATIENCE, start = startWorker }: { patience?: number; start?: () => Worker } = {},
): Promise<Arrays> {
  const { size } = await Deno.stat(path);
  const workers = Math.max(
    1,
    Math.min(MOST_WORKERS, navigator.hardwareConcurrency, Math.floor(size / BYTES_A_WORKER)),
  );
  const request = {
    path,
    workers,
    limit: decodedLimit(size),
    time: patience + Math.ceil(size / SLOWEST),
    memoryLimit: 128 * MEBIBYTE + Math.min(size, 512 * MEBIBYTE),
  };
  using shares = new Shares(start, patience);
  const found = await Promise.all(
    Array.from({ length: workers }, (_, worker) => shares.read({ ...request, worker })),
  );
  const tensors = new Map<string, FileTensor>();
  const all = found.flatMap((share) => share.tensors).sort((a, b) => a.at - b.at);
  for (const { name, tensor } of all) {
    if (tensors.has(name)) {
      throw new RangeError(`Cannot read ${path}: each name must occur once, found ${name} twice`);
    }
    tensors.set(name, tensor);
  }
  return { tensors, left: found[0]?.left ?? [] };
}

type Found = Extract<HickleReply, { kind: "tensor" }>;

/** What a worker has read, and the names of all that is no array. */
interface Share {
  readonly tensors: readonly Found[];
  readonly left: readonly string[];
}

function startWorker(): Worker {
  return new Worker(new URL("./hickle_worker.ts", import.meta.url), { type: "module" });
}

/** The workers that share a file. */
class Shares implements Disposable {
  readonly #ends: (() => void)[] = [];

  constructor(readonly start: () => Worker, readonly patience: number) {}

  read(request: HickleRequest): Promise<Share> {
    const worker = this.start();
    const found: Found[] = [];
    return new Promise((resolve, reject) => {
      const fail = (reason: string) => reject(new Error(`Cannot read ${request.path}: ${reason}`));
      let deadline = Infinity;
      const late = () =>
        fail(
          `the HDF5 library must take a step every ${this.patience / 1000} s and end within ${
            request.time / 1000
          } s, found neither after ${found.at(-1)?.name ?? "the start"}`,
        );
      // what came while this thread was busy is taken first
      const patient = (time: number) => setTimeout(() => timer = setTimeout(late, GRACE), time);
      let timer = patient(START_PATIENCE);
      this.#ends.push(() => {
        clearTimeout(timer);
        worker.terminate();
      });
      worker.onmessage = ({ data }: MessageEvent<HickleReply>) => {
        clearTimeout(timer);
        if (data.kind === "done") resolve({ tensors: found, left: data.left });
        else if (data.kind === "failed") fail(data.message);
        else {
          if (data.kind === "tensor") found.push(data);
          const now = performance.now();
          deadline = Math.min(deadline, now + request.time);
          if (now > deadline) late();
          else timer = patient(Math.min(this.patience, deadline - now));
        }
      };
      worker.onerror = (event) => {
        event.preventDefault();
        fail(event.message);
      };
      worker.postMessage(request);
    });
  }

  [Symbol.dispose](): void {
    for (const end of this.#ends) end();
  }
}
