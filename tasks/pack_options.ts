import type { PackOptions } from "../data/pack/write_pack.ts";
import { type Flags, readOneOf, readWhole, toggle, UsageError } from "./command_line/flags.ts";
import { type CommandText, parseFlags } from "./command_line/options.ts";
import { readPath } from "./command_line/paths.ts";

/** What a command line of `deno task pack` asks for. */
export type PackCommand =
  | { readonly kind: "print"; readonly text: string }
  | { readonly kind: "pack"; readonly folder: string; readonly options: PackOptions };

interface PackFlags {
  size: number;
  raw: boolean;
  quality: number;
  shard_images: number;
  workers: number;
  on_bad: "error" | "skip";
}

const IMAGES = "Images:";
const RUN = "Run:";

const FLAGS: Flags<PackFlags> = {
  size: { group: IMAGES, help: "The shorter side of the images", value: "N", read: readWhole },
  raw: toggle(IMAGES, "Store pixels: larger, and read several times as fast"),
  quality: { group: IMAGES, help: "Quality of JPEG files, 1 to 100", value: "N", read: readWhole },
  shard_images: { group: IMAGES, help: "Images of a shard", value: "N", read: readWhole },
  on_bad: {
    group: RUN,
    help: "What happens to an image that cannot be decoded: error or skip",
    value: "WHAT",
    read: readOneOf(["error", "skip"]),
  },
  workers: {
    group: RUN,
    help: "Workers that decode (default: one for each processor)",
    value: "N",
    read: readWhole,
  },
};

const DEFAULTS = { size: 256, quality: 95, shard_images: 1024, on_bad: "error" } as const;

const TEXT: CommandText = {
  name: "deno task pack IN OUT",
  about: "Packs a folder of images, IN/train/<class>/<image> and IN/val/<class>/<image>, or " +
    "CUB-200-2011 or MIT Indoor 67 as they come, into shards in OUT, which training reads in its " +
    "place. Images of CUB-200-2011 are cut to their boxes first. A pack broken off goes on where it was.",
  closing: `Examples:
  deno task pack ~/ILSVRC2012 ~/imagenet-256 --size 256
  deno task pack ~/ILSVRC2012 ~/imagenet-raw --raw --on-bad skip`,
};

/**
 * Reads the command line of `deno task pack`.
 *
 * @param argv The arguments.
 * @returns What is packed and how, or the text that `--help` or `--version` asks for.
 * @throws {UsageError} If an argument is missing, unknown or has a wrong value.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const command = parsePack(["/photos", "/packed", "--raw"]);
 * assert.ok(command.kind === "pack" && command.folder === "/photos" && command.options.raw);
 * ```
 */
export function parsePack(argv: readonly string[]): PackCommand {
  const [folders, rest] = splitFolders(argv[0] === "--" ? argv.slice(1) : argv);
  const parsed = parseFlags(rest, { flags: FLAGS, text: TEXT, defaults: DEFAULTS });
  if (parsed.kind === "print") return parsed;
  const [folder, out, ...others] = folders;
  if (folder === undefined || out === undefined || others.length > 0) {
    throw new UsageError(
      `Cannot read the command line: expected a folder to read and a folder to write, found ${folders.length} names`,
    );
  }
  const { size, quality, shard_images: shardImages, on_bad: onBad, raw = false, workers } = {
    ...DEFAULTS,
    ...parsed.given,
  };
  for (
    const [name, value, most] of [
      ["size", size, 8192],
      ["quality", quality, 100],
      ["shard_images", shardImages, 2 ** 20],
      ["workers", workers ?? 1, 1024],
    ] as const
  ) {
    if (value >= 1 && value <= most) continue;
    throw new UsageError(`Cannot read --${name}: expected 1 to ${most}, found ${value}`);
  }
  const options = { out: readPath(out, "OUT"), size, quality, shardImages, onBad, raw };
  return {
    kind: "pack",
    folder: readPath(folder, "IN"),
    options: workers === undefined ? options : { ...options, workers },
  };
}

/** The names at the beginning, and the flags after them. */
function splitFolders(argv: readonly string[]): [string[], string[]] {
  const flags = argv.findIndex((argument) => argument.startsWith("-"));
  return flags < 0 ? [[...argv], []] : [argv.slice(0, flags), argv.slice(flags)];
}
