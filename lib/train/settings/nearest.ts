/**
 * Sorts words by how near they are to a word that was not found, nearest first.
 *
 * Case, dashes and underscores do not count; a candidate that contains the word comes before one
 * that has to be edited into it.
 *
 * @param word What was found.
 * @param candidates What would have been right.
 * @returns The candidates, nearest first; equally near ones keep their order.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(nearestWords("batchSize", ["epochs", "batch_size"])[0], "batch_size");
 * ```
 */
export function nearestWords(word: string, candidates: Iterable<string>): string[] {
  const plain = plainWord(word);
  return Array.from(candidates, (candidate) => ({ candidate, far: far(plain, candidate) }))
    .sort((a, b) => a.far - b.far)
    .map(({ candidate }) => candidate);
}

function far(plain: string, candidate: string): number {
  const other = plainWord(candidate);
  if (plain === other) return 0;
  return plain.length > 2 && other.includes(plain) ? 0.5 : editDistance(plain, other);
}

function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 0; row < a.length; row++) {
    const line = [row + 1];
    for (let column = 0; column < b.length; column++) {
      const replaced = (above[column] ?? 0) + (a[row] === b[column] ? 0 : 1);
      const inserted = (line[column] ?? 0) + 1;
      const removed = (above[column + 1] ?? 0) + 1;
      line.push(Math.min(replaced, inserted, removed));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
