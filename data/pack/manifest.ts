import { isTexts, member, parseJson } from "../../lib/json.ts";

/** What a pack is: the file `pack.json` in it. */
export interface Manifest {
  /** Says that the folder is a pack, and of which version. */
  readonly format: "pupil-pack-1";
  /** The shorter side of the images. */
  readonly size: number;
  /** What the images are. */
  readonly encoding: "jpeg" | "raw";
  /** The quality of JPEG files, 1 to 100. */
  readonly quality: number;
  /** The names of the classes, in the order of their numbers. */
  readonly classes: readonly string[];
  /** The images of a full shard. */
  readonly shardImages: number;
  /** The shards of each split. */
  readonly shards: Readonly<Record<Split, number>>;
  /** The SHA-256 of the names of the files that were packed, and of the boxes that they are cut to. */
  readonly source: string;
  /** Whether all shards are there. */
  readonly isFinished: boolean;
}

/** A part of a data set. */
export type Split = "train" | "val";

/** The splits of a data set. */
export const SPLITS: readonly Split[] = ["train", "val"];

/** The name of a shard's file. */
export function shardName(split: Split, shard: number): string {
  return `${split}-${String(shard).padStart(5, "0")}.shard`;
}

/**
 * Reads a pack's `pack.json`.
 *
 * @param text Its text.
 * @param path The file, for the message.
 * @throws {Error} If it is not what a pack of this version has.
 */
export function parseManifest(text: string, path: string): Manifest {
  const refuse = (what: string): never => {
    throw new Error(`Cannot read ${path}: wanted ${what}; it is no pack of this version`);
  };
  const value = parseJson(text);
  const field = (key: string) => member(value, key);
  const number = (holder: unknown, key: string) => {
    const found = member(holder, key);
    return typeof found === "number" ? found : refuse(`a number as ${key}`);
  };
  const [encoding, source, isFinished] = ["encoding", "source", "isFinished"].map(field);
  if (field("format") !== "pupil-pack-1") return refuse('the format "pupil-pack-1"');
  if (encoding !== "jpeg" && encoding !== "raw") return refuse("jpeg or raw as encoding");
  if (typeof source !== "string") return refuse("a text as source");
  if (typeof isFinished !== "boolean") return refuse("true or false as isFinished");
  const classes: unknown = field("classes");
  if (!isTexts(classes)) return refuse("texts as classes");
  const shards = field("shards");
  return {
    format: "pupil-pack-1",
    size: number(value, "size"),
    encoding,
    quality: number(value, "quality"),
    classes,
    shardImages: number(value, "shardImages"),
    shards: { train: number(shards, "train"), val: number(shards, "val") },
    source,
    isFinished,
  };
}
