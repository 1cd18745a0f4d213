/** The places of files, from top to bottom: a file imports only from its own place or below. */
const PLACES = [
  "tasks/",
  "mod.ts",
  "data/",
  "lib/train/",
  "lib/losses/",
  "lib/models/",
  "lib/weights/",
  "lib/optim/",
  "lib/gradients.ts",
  "lib/interop/",
  "lib/ops/",
  "lib/tape.ts",
  "lib/json.ts",
  "lib/random.ts",
  "lib/gpu/",
  "lib/mpi/",
  "kernels/",
  "deno.json",
];

/** One file imports another; both are paths from the root of the project. */
export interface Edge {
  /** The file that imports. */
  readonly from: string;
  /** The file that is imported. */
  readonly to: string;
}

/** The files of the project and their imports. */
export interface Graph {
  /** Every source file on disk, tests left out. */
  readonly files: readonly string[];
  /** The files that nothing needs to import. */
  readonly roots: readonly string[];
  /** Every import that the roots lead to. */
  readonly edges: readonly Edge[];
}

function placeOf(path: string): number {
  return PLACES.findIndex((place) => place.endsWith("/") ? path.startsWith(place) : path === place);
}

function fault({ from, to }: Edge): string | undefined {
  if (to.startsWith("tests/")) return `${from} imports ${to}, a test`;
  const [upper, lower] = [placeOf(from), placeOf(to)];
  if (upper < 0 || lower < 0 || upper <= lower) return undefined;
  return `${from} imports ${to}, which stands above it`;
}

/**
 * Finds what breaks the layer rule.
 *
 * @param graph The project.
 * @returns A sentence for each import that points upwards or at a test, each file in no known place, and each file
 * that no root reaches.
 */
export function violations({ files, roots, edges }: Graph): string[] {
  const reached = new Set([...roots, ...edges.map(({ to }) => to)]);
  const known = new Set([...files, ...reached, ...edges.map(({ from }) => from)]);
  return [
    ...edges.map(fault).filter((sentence) => sentence !== undefined),
    ...[...known].filter((path) => placeOf(path) < 0 && !path.startsWith("tests/"))
      .map((path) => `${path} is in no known place`),
    ...files.filter((path) => !reached.has(path)).map((path) => `${path} is reached from nowhere`),
  ];
}
