import { isTextRecord } from "../json.ts";
import type { Variants } from "../gpu/tuning.ts";

/**
 * Reads the kernels that a run chose from what its `config.json` holds.
 *
 * @param config The parsed JSON.
 * @param source What it was read from, for messages.
 * @returns The variants by key or family, `null` if there are none in it.
 * @throws {TypeError} If they are not an object of names.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const variants = { "conv2d.forward 3x3 s1 p1 [*, 32, 32, 16] -> 16 f32": "plain" };
 * assert.deepEqual(readVariants({ depth: 16, variants }, "config.json"), variants);
 * assert.equal(readVariants({ depth: 16 }, "config.json"), null);
 * ```
 */
export function readVariants(
  config: Readonly<Record<string, unknown>>,
  source: string,
): Variants | null {
  const { variants } = config;
  if (variants === undefined) return null;
  if (isTextRecord(variants)) return variants;
  throw new TypeError(
    `Cannot read ${source}: expected an object of names as variants, found ${
      JSON.stringify(variants)
    }`,
  );
}
