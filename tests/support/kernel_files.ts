import { Kernel } from "../../lib/gpu/kernel.ts";

const KERNELS = new URL("../../kernels/", import.meta.url);

/** The kernels as they stand in their files, in float32 and without sizes that a buffer could give. */
export async function* kernelFiles(folder = ""): AsyncGenerator<Kernel> {
  for await (const { name, isDirectory } of Deno.readDir(new URL(folder, KERNELS))) {
    const path = `${folder}${name}`;
    if (isDirectory) yield* kernelFiles(`${path}/`);
    else {
      const source = await Deno.readTextFile(new URL(path, KERNELS));
      yield new Kernel(path.replace(/\.wgsl$/, ""), source);
    }
  }
}

/** The names of a kernel's entry points. */
export function entriesOf({ source }: Kernel): string[] {
  return [...source.matchAll(/@compute [^\n]*\nfn (\w+)/g)].map(([, entry = ""]) => entry);
}
