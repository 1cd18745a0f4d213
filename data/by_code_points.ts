/**
 * Compares texts by code points, as Python sorts them; JavaScript's own order differs beyond the first 65,536
 * characters.
 *
 * @param a One text.
 * @param b Another.
 * @returns Below 0 where `a` comes first, above 0 where `b` does, 0 where they are the same.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(["\u{1F600}", "\uFF21", "a", "B"].sort(byCodePoints), ["B", "a", "\uFF21", "\u{1F600}"]);
 * ```
 */
export function byCodePoints(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at]?.codePointAt(0) ?? 0) - (right[at]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
