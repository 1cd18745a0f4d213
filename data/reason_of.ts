import { messageOf } from "../lib/weights/message_of.ts";

/** What Deno adds to a system's reason: its number, the call, and the path, which may itself hold line breaks. */
const CALL = / \(os error \d+\).*$/s;

/**
 * What an error says, in one line that can follow the path that it is about: libvips says the same on several lines.
 *
 * @param error What was thrown.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(reasonOf(new Error("cut off\nno image\ncut off\n")), "cut off; no image");
 * assert.equal(reasonOf(new Error("Is a directory (os error 21): open 'a.jpg'")), "Is a directory");
 * ```
 */
export function reasonOf(error: unknown): string {
  const lines = messageOf(error).replace(CALL, "").split(/[\r\n]+/).map((line) => line.trim());
  const isSaid = (line: string, at: number) =>
    lines.slice(0, at).some((earlier) => earlier.includes(line));
  return lines.filter((line, at) => line !== "" && !isSaid(line, at)).join("; ");
}

/**
 * A path as a message shows it: in one line, whatever its names hold.
 *
 * @param path The path.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(shownPath("cat/two\nlines.jpg"), "cat/two\\nlines.jpg");
 * assert.equal(shownPath("cat/é 1.jpg"), "cat/é 1.jpg");
 * ```
 */
export function shownPath(path: string): string {
  return path.replaceAll(
    /\p{Cc}/gu,
    (character) =>
      character === "\n" ? "\\n" : `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
