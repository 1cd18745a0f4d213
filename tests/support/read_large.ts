/**
 * Reads a file of weights and prints, as JSON, the checksums of its tensors, its size, how far memory rose above the
 * start, and the milliseconds that it took.
 *
 * @module
 */
import { crc32 } from "node:zlib";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { PeakMemory } from "./peak_memory.ts";

const [path = ""] = Deno.args;
using memory = new PeakMemory();
const start = await memory.read();
const began = performance.now();
const { tensors } = await readWeights(path);
const time = performance.now() - began;
const { size } = await Deno.stat(path);
const above = await memory.read() - start;
const checksums = Array.from(tensors.values(), ({ data }) => crc32(data));
console.log(JSON.stringify({ checksums, size, above, time }));
