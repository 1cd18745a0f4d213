import { createHash } from "node:crypto";
import { arrayBuffer } from "node:stream/consumers";
import { type Header, pack } from "../../data/tar_stream.ts";

/** An entry of an archive: its header, and what the file holds. */
export type Entry = [header: Partial<Header> & { name: string }, content?: Uint8Array | string];

/** Makes a `.tar.gz` archive. */
export async function tarGz(entries: readonly Entry[]): Promise<Uint8Array<ArrayBuffer>> {
  const tar = pack();
  for (const [header, content = ""] of entries) tar.entry(header, content);
  tar.finalize();
  return await gzip(new Uint8Array(await arrayBuffer(tar)));
}

/** Compresses bytes. */
export async function gzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const compressed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(compressed).arrayBuffer());
}

/** The MD5 digest of bytes. */
export function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}

/** Every file below a folder, by its path from there, in alphabetical order. */
export async function filesIn(folder: string): Promise<string[]> {
  const files: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const below = isDirectory ? await filesIn(`${folder}/${name}`) : [];
    files.push(...(isDirectory ? [`${name}/`, ...below.map((file) => `${name}/${file}`)] : [name]));
  }
  return files.sort();
}

/** Serves every request by one handler, until it goes out of scope. */
export function serve(handler: (request: Request) => Response): { url: string } & AsyncDisposable {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, handler);
  const url = `http://127.0.0.1:${server.addr.port}/set.tar.gz`;
  return { url, [Symbol.asyncDispose]: () => server.shutdown() };
}
