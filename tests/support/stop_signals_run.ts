/**
 * Waits for a signal, then works on for as many milliseconds as it is told.
 *
 * @module
 */
import { StopSignals } from "../../tasks/command_line/stop_signals.ts";

{
  using stop = new StopSignals();
  console.error("ready");
  await new Promise((resolve) => stop.signal.addEventListener("abort", resolve));
  console.error("stopping");
  await new Promise((resolve) => setTimeout(resolve, Number(Deno.args[0])));
  console.error("done");
  Deno.exitCode = stop.exitCode;
}
