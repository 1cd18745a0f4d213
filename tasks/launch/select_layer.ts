const MANIFESTS = ["/usr/share", "/usr/local/share", "/etc"].map((folder) =>
  `${folder}/vulkan/implicit_layer.d/VkLayer_MESA_device_select.json`
);

const LIBRARIES = [
  "/usr/lib/x86_64-linux-gnu",
  "/usr/lib/aarch64-linux-gnu",
  "/usr/lib64",
  "/usr/lib",
].map((folder) => `${folder}/libVkLayer_MESA_device_select.so`);

/**
 * What Mesa's device-select layer, which puts a card of one's choice first, can tell cards by: their models; their
 * places too; or nothing, where there is no such layer.
 */
export type SelectLayer = "none" | "models" | "places";

function firstOf<T>(paths: readonly string[], read: (path: string) => T): T | undefined {
  for (const path of paths) {
    try {
      return read(path);
    } catch {
      // It is not there, or may not be read.
    }
  }
  return undefined;
}

/**
 * Looks for Mesa's device-select layer.
 *
 * @param options.root The folder that stands for the root of the file system. Default: none.
 */
export function findSelectLayer({ root = "" }: { readonly root?: string } = {}): SelectLayer {
  const there = (paths: readonly string[]) => paths.map((path) => root + path);
  if (firstOf(there(MANIFESTS), Deno.statSync) === undefined) return "none";
  const bytes = firstOf(there(LIBRARIES), Deno.readFileSync);
  // Mesa before 23.1, as in Debian 12, takes a card in another place than the named one. It has no such word either.
  return new TextDecoder("latin1").decode(bytes).includes("DRI_PRIME_DEBUG") ? "places" : "models";
}
