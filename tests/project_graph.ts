import { join, relative, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Edge, Graph } from "./layers.ts";

const SOURCE = /\.(?:ts|tsx|js|mjs|wgsl)$/;
const WORKER = /new Worker\(\s*new URL\(\s*"([^"]+)",\s*import\.meta\.url/g;
const OTHERS = /^(?:\.|node_modules$|logs$|tests$)/;

/**
 * Reads which file of a project imports which, starting from `mod.ts`, the files in `tasks/` and the workers.
 *
 * @param folder The root of the project.
 */
export async function readGraph(folder: string): Promise<Graph> {
  const files = (await Array.fromAsync(sources(folder))).map((path) => pathFrom(folder, path))
    .sort();
  const workers = (await Promise.all(files.map((file) => workersOf(folder, file)))).flat();
  const tasks = files.filter((file) => /^tasks\/[^/]+\.ts$/.test(file));
  const roots = ["mod.ts", ...tasks, ...workers.map(({ to }) => to)];
  const imports = await Promise.all(roots.map((root) => importsOf(folder, root)));
  return { files, roots, edges: [...workers, ...unique(imports.flat())] };
}

async function* sources(folder: string, skip?: RegExp): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if ((skip ?? OTHERS).test(name)) continue;
    if (isDirectory) yield* sources(path, /^\./);
    else if (SOURCE.test(name)) yield path;
  }
}

async function workersOf(folder: string, file: string): Promise<Edge[]> {
  const path = join(folder, file);
  const matches = (await Deno.readTextFile(path)).matchAll(WORKER);
  return Array.from(matches, ([, specifier = ""]) => {
    const to = new URL(specifier, pathToFileURL(path));
    return { from: file, to: pathFrom(folder, fileURLToPath(to)) };
  });
}

async function importsOf(folder: string, root: string): Promise<Edge[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", root],
    cwd: folder,
  }).output();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
  const edges: Edge[] = [];
  for (const module of list(JSON.parse(new TextDecoder().decode(stdout)), "modules")) {
    const from = field(module, "specifier");
    const error = field(module, "error");
    if (error !== undefined) throw new Error(`Cannot read the imports of ${from}: ${error}`);
    if (from === undefined || isPackage(from)) continue;
    for (const dependency of list(module, "dependencies")) {
      for (const kind of ["code", "type"]) {
        const to = field(member(dependency, kind), "specifier");
        if (to === undefined || isPackage(to)) continue;
        edges.push({ from: nameOf(folder, from), to: nameOf(folder, to) });
      }
    }
  }
  return edges;
}

function nameOf(folder: string, specifier: string): string {
  return specifier.startsWith("file:") ? pathFrom(folder, fileURLToPath(specifier)) : specifier;
}

function pathFrom(folder: string, path: string): string {
  return relative(folder, path).replaceAll(sep, "/");
}

function isPackage(specifier: string): boolean {
  return specifier.startsWith("npm:") || specifier.startsWith("node:");
}

function unique(edges: readonly Edge[]): Edge[] {
  return [...new Map(edges.map((edge) => [`${edge.from} ${edge.to}`, edge])).values()];
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
}

function field(value: unknown, key: string): string | undefined {
  const found = member(value, key);
  return typeof found === "string" ? found : undefined;
}

function list(value: unknown, key: string): unknown[] {
  const found = member(value, key);
  return Array.isArray(found) ? found : [];
}
