import { type FileTensor, floats, isWhole } from "../lib/weights/file_tensor.ts";
import { messageOf } from "../lib/weights/message_of.ts";
import { styleOf } from "../lib/weights/names.ts";
import { peelNames } from "../lib/weights/peel.ts";
import { readWeights } from "../lib/weights/read_weights.ts";
import { renameWeights } from "../lib/weights/rename.ts";
import { writeWeights } from "../lib/weights/write_weights.ts";
import { shortPath } from "./command_line/paths.ts";
import type { Conversion } from "./convert_options.ts";

/**
 * Converts a file of weights.
 *
 * @param conversion What is read, written and listed.
 * @returns What to print.
 * @throws {Error} If the file cannot be read, renamed or written, or one is there that must not be overwritten.
 */
export async function convert(
  { input, output, to, take, list, force }: Conversion,
): Promise<string> {
  if (output !== null && !force && await isThere(output)) {
    throw new RangeError(`Cannot write ${output}: it is there already; --force overwrites it`);
  }
  const { format, tensors: read, metadata, notes } = await readWeights(input, {
    take: take ?? undefined,
  });
  const tensors = to === null ? read : renameWeights(
    peelNames(read, (tensors) => styleOf(tensors) !== undefined),
    { to, from: input },
  );
  const lines = [...list ? tableOf(tensors) : [], ...notes];
  if (output !== null) {
    await writeWeights(output, tensors, { metadata });
    lines.push(
      `${shortPath(output)}: ${tensors.size} tensors from ${shortPath(input)} (${format})`,
    );
  }
  return lines.join("\n");
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw new Error(`Cannot write ${path}: ${messageOf(error)}`, { cause: error });
  }
}

/**
 * Lists tensors with their norms, as the lines of a table.
 *
 * @param tensors Tensors by name.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const data = new Uint8Array(new Float32Array([3, 4]).buffer);
 * const lines = tableOf(new Map([["fc.bias", { dtype: "F32", shape: [2], data }]]));
 * assert.equal(lines[1], "fc.bias  [2]    F32    5");
 * ```
 */
export function tableOf(tensors: ReadonlyMap<string, FileTensor>): string[] {
  const rows = Array.from(tensors, ([name, tensor]) => [
    name,
    `[${tensor.shape.join(", ")}]`,
    tensor.dtype,
    normOf(tensor),
  ]);
  const head = ["name", "shape", "dtype", "norm"];
  const widths = head.map((word, column) =>
    Math.max(word.length, ...rows.map((row) => row[column]?.length ?? 0))
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ").trimEnd();
  const count = rows.length === 1 ? "1 tensor" : `${rows.length} tensors`;
  const numbers = [...tensors.values()].reduce(
    (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
  return [line(head), ...rows.map(line), `${count}, ${numbers} numbers`];
}

/** The square root of the sum of squares; whole numbers have none here. */
function normOf(tensor: FileTensor): string {
  if (isWhole(tensor.dtype)) return "-";
  const squares = floats(tensor, "take the norm").reduce((sum, value) => sum + value * value, 0);
  return String(Number(Math.sqrt(squares).toPrecision(6)));
}
