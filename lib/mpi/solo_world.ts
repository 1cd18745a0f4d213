import type { HalfExchange } from "./half_exchange.ts";
import { wantExchange, wantGathered, wantRoot, type World } from "./world.ts";

class SoloWorld implements World {
  readonly rank = 0;
  readonly size = 1;
  readonly localRank = 0;

  sum(): Promise<void> {
    return Promise.resolve();
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async sumHalf(values: Float32Array, exchange: HalfExchange): Promise<void> {
    wantExchange(exchange, values.length, this.size);
  }

  max(): Promise<void> {
    return Promise.resolve();
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async broadcast(_bytes: Uint8Array, { root = 0 }: { readonly root?: number } = {}) {
    wantRoot(root, this.size);
  }

  // deno-lint-ignore require-await -- what is thrown must reject
  async gather(mine: Float32Array, all: Float32Array): Promise<void> {
    wantGathered(mine, all, this.size);
    all.set(mine);
  }

  barrier(): Promise<void> {
    return Promise.resolve();
  }

  abort(code: number): Promise<never> {
    Deno.exit(code);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/**
 * Makes the world of one process alone, which needs neither MPI nor a permission.
 *
 * @returns A world of size 1.
 * @example
 * ```ts
 * import { soloWorld } from "@pupil/pupil";
 * import assert from "node:assert/strict";
 *
 * await using world = soloWorld();
 * const gradients = Float32Array.of(1, 2);
 * await world.sum(gradients);
 * assert.deepEqual([...gradients], [1, 2]);
 * assert.equal(world.size, 1);
 * ```
 */
export function soloWorld(): World {
  return new SoloWorld();
}
