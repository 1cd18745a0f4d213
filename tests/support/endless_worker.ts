/**
 * Says for ever that it lives, as a reader would of a file whose groups never end.
 *
 * @module
 */
import type { HickleReply } from "../../lib/weights/hickle_worker.ts";

addEventListener("message", () => {
  const reply: HickleReply = { kind: "alive" };
  setInterval(() => Reflect.get(globalThis, "postMessage").call(globalThis, reply), 20);
});
