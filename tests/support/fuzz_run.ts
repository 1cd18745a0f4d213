/**
 * Reads the damaged files of one reader in a process of its own, so that its memory can be told and a crash is seen.
 * Arguments: the reader's name and how many files. Prints a line of JSON.
 *
 * @module
 */
import { readWeights } from "../../lib/weights/read_weights.ts";
import { damaged, FUZZ_TARGETS, readDamaged } from "./fuzz.ts";
import { PeakMemory } from "./peak_memory.ts";

/** What came out. */
export interface FuzzReport {
  readonly refused: number;
  readonly same: number;
  readonly changed: number;
  readonly slowest: number;
  readonly peak: number;
  readonly faults: readonly string[];
}

async function run(name: string, count: number): Promise<FuzzReport> {
  const target = FUZZ_TARGETS.find((target) => target.name === name);
  if (target === undefined) throw new RangeError(`Cannot fuzz ${name}: there is no such reader`);
  using memory = new PeakMemory();
  const kinds = { refused: 0, same: 0, changed: 0 };
  const faults: string[] = [];
  let slowest = 0;
  const path = await Deno.makeTempFile();
  const sound = new Map(
    await Promise.all(
      target.files.map(async (file) => [file, (await readWeights(file)).tensors] as const),
    ),
  );
  for await (const { bytes, what, file } of damaged(target, count)) {
    await Deno.writeFile(path, bytes);
    const { kind, fault, time } = await readDamaged(path, {
      sound: sound.get(file ?? "") ?? new Map(),
      hasChecksums: target.hasChecksums,
    });
    kinds[kind]++;
    slowest = Math.max(slowest, time);
    if (fault !== null) faults.push(`${file}: ${what}: ${fault}`);
    if (time > 10_000) faults.push(`${file}: ${what}: took ${Math.round(time)} ms`);
  }
  await Deno.remove(path);
  return { ...kinds, slowest, peak: await memory.read(), faults };
}

if (import.meta.main) {
  const [name = "", count = "500"] = Deno.args;
  console.log(JSON.stringify(await run(name, Number(count))));
}
