import { Buffer } from "node:buffer";
import { byteLength, type FileTensor } from "../../lib/weights/file_tensor.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import {
  hostileLegacy,
  hostileNpz,
  hostilePickles,
  hostileSafetensors,
  hostileTorch,
} from "./hostile.ts";
import { mutate, type Mutation } from "./mutate.ts";
import { HICKLES, WEIGHTS } from "./weight_files.ts";

/** A reader and the files that are damaged to try it. */
export interface Target {
  readonly name: string;
  /** Sound files. */
  readonly files: readonly string[];
  /** Files made to hurt. */
  readonly hostile: readonly Mutation[];
  /** Whether the format can tell that numbers have changed. */
  readonly hasChecksums: boolean;
}

const CIFAR = new URL("../fixtures/cifar10-mini-py/cifar-10-batches-py/", import.meta.url).pathname;

const named = (names: string[]) => names.map((name) => WEIGHTS + name);

/** Every reader. */
export const FUZZ_TARGETS: readonly Target[] = [
  {
    name: "hickle",
    files: [...named(["nested.hkl", "packed.hkl", "mixed.hkl"]), `${HICKLES}tiny-3.4.8.hkl`],
    hostile: [],
    hasChecksums: false,
  },
  {
    name: "PyTorch, zip",
    files: named(["bare.pt7", "odd.pt7", "pair.pt7", "objects2.pt7", "objects5.pt7"]),
    hostile: hostileTorch(),
    hasChecksums: true,
  },
  {
    name: "PyTorch, legacy",
    files: named(
      ["bare-old.pt7", "odd-old.pt7", "pair-old.pt7", "objects2-old.pt7", "objects5-old.pt7"],
    ),
    hostile: hostileLegacy(),
    hasChecksums: false,
  },
  {
    name: "pickled arrays",
    files: [
      ...[`${CIFAR}data_batch_1`, `${CIFAR}test_batch`],
      ...named(["objects2.pkl", "objects5.pkl"]),
    ],
    hostile: hostilePickles(),
    hasChecksums: false,
  },
  {
    name: "npz",
    files: named(["odd.npz", "deflated.npz"]),
    hostile: hostileNpz(),
    hasChecksums: true,
  },
  {
    name: "safetensors",
    files: named(["odd.safetensors"]),
    hostile: hostileSafetensors(),
    hasChecksums: false,
  },
];
/** The damaged files of a reader: the hostile ones spread among the others. */
export async function* damaged(
  { files, hostile }: Target,
  count: number,
): AsyncGenerator<Mutation & { readonly file: string | null }> {
  const sound = await Promise.all(files.map((file) => Deno.readFile(file)));
  const every = hostile.length === 0 ? Infinity : Math.max(2, Math.floor(count / hostile.length));
  for (let seed = 0; seed < count; seed++) {
    const trap = seed % every === 1 ? hostile[Math.floor(seed / every)] : undefined;
    const at = seed % files.length;
    const file = files[at];
    const bytes = sound[at];
    if (trap !== undefined) yield { ...trap, file: null };
    else if (file !== undefined && bytes !== undefined) yield { ...mutate(bytes, { seed }), file };
  }
}

/** How the reading of a damaged file ended. */
export interface Ending {
  /** Whether it was refused, or what was read instead. */
  readonly kind: "refused" | "same" | "changed";
  /** What must not be. */
  readonly fault: string | null;
  /** Milliseconds. */
  readonly time: number;
}

/** Reads a damaged file, and says what is wrong with how that ended. */
export async function readDamaged(
  path: string,
  { sound, hasChecksums }: {
    sound: ReadonlyMap<string, FileTensor>;
    hasChecksums: boolean;
  },
): Promise<Ending> {
  const start = performance.now();
  const ending = (kind: Ending["kind"], fault: string | null): Ending => ({
    kind,
    fault,
    time: performance.now() - start,
  });
  try {
    const { tensors } = await readWeights(path);
    const torn = [...tensors].find(([, { dtype, shape, data }]) =>
      data.length !== byteLength(dtype, shape)
    );
    if (torn !== undefined) return ending("changed", `${torn[0]} has not the bytes of its shape`);
    const other = [...tensors].find(([name, { data }]) =>
      sound.has(name) && !Buffer.from(sound.get(name)?.data ?? []).equals(data)
    );
    const fault = other !== undefined && hasChecksums ? `${other[0]} has other numbers` : null;
    return ending(other === undefined && tensors.size === sound.size ? "same" : "changed", fault);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const isWorded = message.startsWith(`Cannot read ${path}: `) && !message.includes("\n");
    return ending("refused", isWorded ? null : `the message ${JSON.stringify(message)}`);
  }
}
