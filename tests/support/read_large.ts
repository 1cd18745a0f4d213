/**
 * Reads a file of weights and prints, as JSON, how many tensors it has, its size, how far memory rose above the start,
 * and the milliseconds that it took.
 *
 * @module
 */
import { readWeights } from "../../lib/weights/read_weights.ts";
import { PeakMemory } from "./peak_memory.ts";

const [path = ""] = Deno.args;
using memory = new PeakMemory();
const start = await memory.read();
const began = performance.now();
const { tensors } = await readWeights(path);
const time = performance.now() - began;
const { size } = await Deno.stat(path);
console.log(
  JSON.stringify({ tensors: tensors.size, size, above: await memory.read() - start, time }),
);
