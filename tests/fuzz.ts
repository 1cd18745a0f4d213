/**
 * Reads 500 damaged files with every reader of weights, each reader in a process of its own, and prints how they ended:
 * `deno task fuzz [COUNT]`. It fails where one ended otherwise than with an error of one line or sound data, took more
 * than a gibibyte or ten seconds, or crashed.
 *
 * @module
 */
import { FUZZ_TARGETS } from "./support/fuzz.ts";
import type { FuzzReport } from "./support/fuzz_run.ts";

const LIMIT = 2 ** 30;
const [count = "500"] = Deno.args;
let isSound = true;
console.log("reader           refused  same  changed  slowest ms  peak MB");
for (const { name } of FUZZ_TARGETS) {
  const script = new URL("./support/fuzz_run.ts", import.meta.url).pathname;
  const { success, code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--allow-read", "--allow-write", script, name, count],
  }).output();
  if (!success) {
    isSound = false;
    console.log(`${name}: crashed with ${code}: ${new TextDecoder().decode(stderr).slice(-2000)}`);
    continue;
  }
  const report: FuzzReport = JSON.parse(new TextDecoder().decode(stdout));
  const numbers = [report.refused, report.same, report.changed, report.slowest, report.peak / 1e6];
  const cells = numbers.map((value, at) =>
    String(Math.round(value)).padStart([8, 6, 9, 12, 9][at] ?? 0)
  );
  console.log(name.padEnd(16) + cells.join(""));
  for (const fault of report.faults) console.log(`  ${fault}`);
  if (report.faults.length > 0 || report.peak > LIMIT) isSound = false;
}
Deno.exit(isSound ? 0 : 1);
