import { shownPath } from "../reason_of.ts";

const WORDS = {
  dangling: ["link that leads nowhere", "links that lead nowhere"],
  loop: ["link that leads in a circle", "links that lead in a circle"],
  unreadable: ["that cannot be read", "that cannot be read"],
  name: ["name that is not UTF-8", "names that are not UTF-8"],
  hidden: ["hidden", "hidden"],
  other: ["other file", "other files"],
  beside: ["file beside the classes", "files beside the classes"],
} as const;

/** Why something in a folder of images is not among the images. */
export type Why = keyof typeof WORDS;

/** What in a folder of images is not among the images, for one reason. */
export interface LeftOut {
  /** The reason. */
  readonly why: Why;
  /** How many there are. */
  readonly count: number;
  /** The first of them, from the folder. */
  readonly paths: readonly string[];
}

const MOST_NAMED = 3;

/** One file, link or folder that is left out. */
export function leftOut(why: Why, path: string): LeftOut {
  return { why, count: 1, paths: [path] };
}

/** Whether a text is a reason for which something is left out. */
export function isWhy(text: unknown): text is Why {
  return typeof text === "string" && Object.hasOwn(WORDS, text);
}

/** Adds up what is left out for the same reason. */
export function sumUp(parts: readonly LeftOut[]): LeftOut[] {
  const sums = new Map<Why, { count: number; paths: string[] }>();
  for (const { why, count, paths } of parts) {
    const sum = sums.get(why) ?? { count: 0, paths: [] };
    sum.paths.push(...paths.slice(0, MOST_NAMED - sum.paths.length));
    sums.set(why, { count: sum.count + count, paths: sum.paths });
  }
  return Array.from(sums, ([why, sum]) => ({ why, ...sum }));
}

/** The first three of some names, in words. */
export function someOf(names: readonly string[], count: number = names.length): string {
  const named = names.slice(0, MOST_NAMED).map(shownPath);
  return [...named, ...(count > named.length ? ["..."] : [])].join(", ");
}

/**
 * Says in one line what is left out and why, the first three of each by name.
 *
 * @param parts What is left out.
 * @returns The line, `null` where nothing is.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const parts = [leftOut("dangling", "train/cat/9.jpg"), leftOut("hidden", "train/cat/.DS_Store")];
 * assert.equal(
 *   tellLeftOut(parts),
 *   "left out: 1 link that leads nowhere (train/cat/9.jpg), 1 hidden (train/cat/.DS_Store)",
 * );
 * assert.equal(tellLeftOut([]), null);
 * ```
 */
export function tellLeftOut(parts: readonly LeftOut[]): string | null {
  const reasons = sumUp(parts).map(({ why, count, paths }) => {
    const [one, many] = WORDS[why];
    return `${count} ${count === 1 ? one : many} (${someOf(paths, count)})`;
  });
  return reasons.length === 0 ? null : `left out: ${reasons.join(", ")}`;
}
