import { NAME_STYLES, type NameStyle } from "../lib/weights/names.ts";
import { type Flags, readOneOf, readText, toggle, UsageError } from "./command_line/flags.ts";
import { type CommandText, parseFlags } from "./command_line/options.ts";
import { readPath } from "./command_line/paths.ts";

/** What a conversion is asked to do. */
export interface Conversion {
  /** The file that is read. */
  readonly input: string;
  /** The file that is written, `null` for none. */
  readonly output: string | null;
  /** Whose names the tensors get, `null` for those that they have. */
  readonly to: NameStyle | null;
  /** The part of the file that is taken, `null` for the network. */
  readonly take: string | null;
  /** Whether the tensors are listed. */
  readonly list: boolean;
  /** Whether a file that is there is overwritten. */
  readonly force: boolean;
}

/** What the command line says: something to print, or a conversion. */
export type ConvertCommand =
  | { readonly kind: "print"; readonly text: string }
  | ({ readonly kind: "convert" } & Conversion);

const FLAGS: Flags<{ to: NameStyle; take: string; list: boolean; force: boolean }> = {
  to: {
    group: "Conversion:",
    help:
      "Whose names the tensors of a ResNet get; batch normalisation is folded where they have none",
    value: NAME_STYLES.join("|"),
    read: readOneOf(NAME_STYLES),
  },
  take: {
    group: "Conversion:",
    help:
      "The part of IN that is taken in place of the network: an entry of a checkpoint, such as model_ema, or " +
      "the first part of the tensors' names, such as teacher",
    value: "NAME",
    read: readText,
  },
  list: toggle(
    "Conversion:",
    "Print names, shapes, dtypes and norms; without OUT nothing is written",
  ),
  force: toggle("Conversion:", "Overwrite OUT if it is there"),
};

const TEXT: CommandText = {
  name: "deno task convert",
  about:
    "Converts a file of weights. IN is safetensors, hickle (.hkl, versions 1 to 5), PyTorch's\n" +
    "(.pth, .pt, .pt7, old and new), npz or npy, whatever its name; OUT ends in .safetensors, .npz or .hkl.",
  closing: `Examples:
  deno task convert resnet-34-export.hkl --list
  deno task convert logs/at_16_1_16_2/model.pt7 model.safetensors
  deno task convert checkpoint.pth averaged.safetensors --take model_ema
  deno task convert resnet34.pth resnet-34-export.hkl --to functional-zoo`,
  operands: ["IN", "OUT"],
};

/**
 * Reads the command line of a conversion.
 *
 * @param argv The arguments.
 * @throws {UsageError} If there is no file to read, or neither one to write nor a list to print.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const command = parseConvert(["/a.pth", "--list"]);
 * assert.equal(command.kind === "convert" && command.list, true);
 * ```
 */
export function parseConvert(argv: readonly string[]): ConvertCommand {
  const parsed = parseFlags(argv, { flags: FLAGS, text: TEXT });
  if (parsed.kind === "print") return parsed;
  const { given, operands: [input, output = null] = [] } = parsed;
  const { to = null, take = null, list = false, force = false } = given;
  if (input === undefined || (output === null && !list)) {
    const found = input === undefined ? "none" : `only ${input}`;
    throw new UsageError(
      `Cannot read the command line: expected IN OUT, or IN --list, found ${found}`,
    );
  }
  return {
    kind: "convert",
    input: readPath(input, "IN"),
    output: output === null ? null : readPath(output, "OUT"),
    to,
    take,
    list,
    force,
  };
}
