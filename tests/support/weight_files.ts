/** The folder of small weights files of every format. */
export const WEIGHTS = new URL("../fixtures/weights/", import.meta.url).pathname;

/** The folder of hickle files, each with an npz file of the same arrays. */
export const HICKLES = new URL("../oracle/hkl/", import.meta.url).pathname;

/** Runs a body with the path of a file of these bytes, which is removed afterwards. */
export async function withFile<T>(
  bytes: Uint8Array,
  body: (path: string) => Promise<T>,
): Promise<T> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeFile(path, bytes);
    return await body(path);
  } finally {
    await Deno.remove(path);
  }
}
