import type { DecodeReply, DecodeRequest } from "./messages.ts";
import { WorkerPool } from "./worker_pool.ts";

/**
 * Workers that decode images, shared by any number of loaders. They load libvips, which wants the permissions to read
 * files, to read the environment and to load a library.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * using pool = new DecodePool({ workers: 1 });
 * assert.equal(pool.workers, 1);
 * ```
 */
export class DecodePool extends WorkerPool<DecodeRequest, DecodeReply> {
  /**
   * Starts the workers.
   *
   * @param options.workers How many. Default: one for each processor.
   * @throws {RangeError} If their number is not a whole number from 1 on.
   */
  constructor({ workers }: { workers?: number } = {}) {
    super(() => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }), {
      workers,
    });
  }
}
