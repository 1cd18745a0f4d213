/**
 * Tells the most memory that the process has held, also while the main thread is busy.
 *
 * @module
 */
let peak = 0;
setInterval(() => peak = Math.max(peak, Deno.memoryUsage().rss), 10);
addEventListener("message", () => {
  Reflect.get(globalThis, "postMessage").call(globalThis, Math.max(peak, Deno.memoryUsage().rss));
});
