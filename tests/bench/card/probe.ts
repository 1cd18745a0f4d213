/**
 * Prints what the driver of this adapter makes of what WGSL leaves open, a line each: a step of `deno task card`.
 *
 * @module
 */
import arithmetic from "./probe.wgsl" with { type: "text" };
import lanes from "./probe_subgroups.wgsl" with { type: "text" };
import { Gpu, type RealType } from "../../../mod.ts";
import { Kernel } from "../../../lib/gpu/kernel.ts";
import { idleWait } from "../steps.ts";

using gpu = await Gpu.open();

async function run(
  kernel: Kernel,
  entry: string,
  { x, size, dtype = "f32" }: { x: readonly number[]; size: number; dtype?: RealType },
): Promise<number[]> {
  const y = gpu.empty([size], { label: `${kernel.name}.y`, dtype });
  kernel.dispatch(entry, { read: [gpu.tensor(x, [x.length])], write: [y], grid: [1] });
  return Array.from(await y.read());
}

/** How far a number is from the right one, in units in the last place of a float32. */
function ulp(found: number, right: number): string {
  const unit = 2 ** (Math.floor(Math.log2(Math.abs(right))) - 23);
  return (Math.abs(found - right) / unit).toFixed(1);
}

const probe = new Kernel("probe", arithmetic);
const x = [1 + 2 ** -12, 1 + 2 ** -12, -1 - 2 ** -11, NaN, 2 ** -140, 3, 7, 5.5];
const [fused = 0, plain = 0, kept = 0, equal = 0, small = 0, ...inexact] = await run(
  probe,
  "arithmetic",
  { x, size: 10 },
);
console.log(`fma ${fused !== 0 ? "rounds once" : "rounds twice"}`);
console.log(`a * b + c ${plain !== 0 ? "is contracted" : "is not contracted"}`);
console.log(`select(x, 0, x < 0) ${Number.isNaN(kept) ? "keeps" : "loses"} NaN`);
console.log(`NaN == NaN is ${equal === 1}`);
console.log(`subnormals ${small !== 0 ? "stay" : "become zero"}`);
const right = { "3 / 7": 3 / 7, "inverseSqrt(3)": 1 / Math.sqrt(3), "exp(7)": Math.exp(7) };
const errors = Object.entries({ ...right, "log(3)": Math.log(3), "cos(5.5)": Math.cos(5.5) });
const off = errors.map(([what, value], at) => `${what} ${ulp(inexact[at] ?? NaN, value)}`);
console.log(`off by ulp: ${off.join(", ")}`);

if (gpu.hasSubgroups) {
  const found = await run(new Kernel("probe_subgroups", lanes), "lanes", { x: [0], size: 128 });
  const size = found[1] ?? NaN;
  const isInOrder = found.every((value, at) => value === (at % 2 === 1 ? size : at / 2 % size));
  console.log(`subgroups of ${size}, lanes ${isInOrder ? "" : "NOT "}in order`);
} else console.log("no subgroups");

if (gpu.hasHalf) {
  const numbers = [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -11, 65520, 1e-7];
  const [above, tie, large, tiny, register] = await run(probe, "rounding", {
    x: numbers,
    size: 5,
    dtype: "f16",
  });
  const isNearest = above === 1 + 2 ** -10 && tie === 1;
  console.log(`f16 stored to ${isNearest ? "nearest, ties to even" : `${above} and ${tie}`}`);
  console.log(`f32(f16(x)) ${register !== 0 ? "rounds" : "does not round"}`);
  console.log(`f16 of 65520 is ${large}, subnormals ${tiny !== 0 ? "stay" : "become zero"}`);
} else console.log("no shader-f16");

console.log(`idle wait ${(1e3 * await idleWait(gpu)).toFixed(1)} ms`);
