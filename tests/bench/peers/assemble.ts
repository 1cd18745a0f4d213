/**
 * Assembles `data/pictures/resample.wat` to standard output: `deno task assemble`.
 *
 * @module
 */
import wabt from "wabt";

const text = new URL("../../../data/pictures/resample.wat", import.meta.url);
const { parseWat } = await wabt();
const module = parseWat("resample.wat", await Deno.readTextFile(text), { simd: true });
module.validate();
await ReadableStream.from([module.toBinary({}).buffer]).pipeTo(Deno.stdout.writable);
