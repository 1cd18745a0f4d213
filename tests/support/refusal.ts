import assert from "node:assert/strict";
import { UsageError } from "../../tasks/command_line/flags.ts";

/** The one line by which a command refuses its arguments. */
export function refusalOf(parse: () => unknown): string {
  let message = "";
  assert.throws(parse, (error) => {
    assert.ok(error instanceof UsageError);
    assert.equal(error.exitCode, 2);
    message = error.message;
    return true;
  });
  assert.ok(!message.includes("\n"), message);
  return message;
}
