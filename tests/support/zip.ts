import { inflateRawSync } from "node:zlib";

/** The files in a zip archive, by name. */
export async function readZip(path: URL): Promise<Map<string, Uint8Array>> {
  const bytes = await Deno.readFile(path);
  const view = new DataView(bytes.buffer);
  let end = bytes.length - 22;
  while (view.getUint32(end, true) !== 0x06054b50) end--;
  const files = new Map<string, Uint8Array>();
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count--) {
    const short = (offset: number) => view.getUint16(at + offset, true);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + short(28)));
    const local = view.getUint32(at + 42, true);
    const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
    const stored = bytes.subarray(start, start + view.getUint32(at + 20, true));
    files.set(name, short(10) === 0 ? stored : new Uint8Array(inflateRawSync(stored)));
    at += 46 + short(28) + short(30) + short(32);
  }
  return files;
}
