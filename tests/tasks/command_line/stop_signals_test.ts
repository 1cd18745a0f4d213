import assert from "node:assert/strict";
import { StopSignals } from "../../../tasks/command_line/stop_signals.ts";
import { RunningProcess } from "../../support/running_process.ts";

const SCRIPT = `${import.meta.dirname}/../../support/stop_signals_run.ts`;
const ignore = Deno.build.os === "windows";

function start({ work, through = [] }: { work: number; through?: string[] }): RunningProcess {
  const run = ["run", "--quiet", "--no-prompt", "--allow-run=grep", SCRIPT, String(work)];
  const [command = "", ...args] = [...through, Deno.execPath(), ...run];
  return new RunningProcess(
    new Deno.Command(command, {
      args,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }),
  );
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  Deno.test({
    name: `StopSignals: ${signal} lets the work end, with exit code ${code}`,
    ignore,
    fn: async () => {
      await using process = start({ work: 50 });
      await process.says(/ready/);
      process.kill(signal);
      const { code: found, stderr } = await process.end();
      assert.deepEqual([found, stderr], [code, "ready\nstopping\ndone\n"]);
    },
  });
}

Deno.test({
  name: "StopSignals: the same signal again within two seconds is ignored",
  ignore,
  fn: async () => {
    await using process = start({ work: 1200 });
    await process.says(/ready/);
    process.kill("SIGINT");
    await process.says(/stopping/);
    process.kill("SIGINT");
    await pause(800);
    process.kill("SIGINT");
    const { code, stderr } = await process.end();
    assert.deepEqual([code, stderr], [130, "ready\nstopping\ndone\n"]);
  },
});

Deno.test({
  name: "StopSignals: a signal after two seconds ends at once",
  ignore,
  fn: async () => {
    await using process = start({ work: 30_000 });
    await process.says(/ready/);
    process.kill("SIGTERM");
    await process.says(/stopping/);
    await pause(2200);
    process.kill("SIGTERM");
    const { code, stderr } = await process.end();
    assert.deepEqual([code, stderr], [143, "ready\nstopping\n"]);
  },
});

Deno.test({
  name: "StopSignals: a terminal that is closed after Ctrl-C hurries nothing",
  ignore,
  fn: async () => {
    await using process = start({ work: 2500 });
    await process.says(/ready/);
    process.kill("SIGINT");
    await process.says(/stopping/);
    await pause(2200);
    process.kill("SIGHUP");
    const { code, stderr } = await process.end();
    assert.deepEqual([code, stderr], [130, "ready\nstopping\ndone\n"]);
  },
});

Deno.test({
  name: "StopSignals: SIGHUP stays ignored under nohup",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using process = start({ work: 50, through: ["nohup"] });
    await process.says(/ready/);
    process.kill("SIGHUP");
    await pause(200);
    process.kill("SIGTERM");
    const { code, stderr } = await process.end();
    assert.deepEqual([code, stderr], [143, "ready\nstopping\ndone\n"]);
  },
});

Deno.test("StopSignals: without a signal nothing is aborted", () => {
  using stop = new StopSignals();
  assert.deepEqual([stop.signal.aborted, stop.exitCode], [false, 0]);
});
