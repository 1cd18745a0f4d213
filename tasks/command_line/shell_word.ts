/**
 * Writes an argument as a shell takes it, for a command that a person pastes.
 *
 * @param argument The argument.
 * @returns The argument itself where a shell reads it as it stands, and in quotes otherwise.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(shellWord("logs/resnet_16_1"), "logs/resnet_16_1");
 * assert.equal(shellWord("my run"), "'my run'");
 * ```
 */
export function shellWord(argument: string): string {
  const isPlain = /^[\w./:@%+,-][\w./:@%+,=~-]*$/.test(argument);
  return isPlain ? argument : `'${argument.replaceAll("'", `'\\''`)}'`;
}
