import { createHash } from "node:crypto";
import { dirname } from "node:path";
import { exists } from "./exists.ts";
import { md5OfFile } from "./md5.ts";

/** A file on the net, and the digest it must have. */
export interface Source {
  /** Where it is. */
  readonly url: string;
  /** Its MD5 digest, 32 hexadecimal digits in lower case. */
  readonly md5: string;
}

/** How far a download has come. */
export interface Progress {
  /** Bytes that have arrived. */
  readonly received: number;
  /** Bytes of the whole file; undefined where the server does not say. */
  readonly total: number | undefined;
}

/** How to download a file. */
export interface DownloadOptions {
  /** Is told of every piece that arrives. */
  readonly onProgress?: (progress: Progress) => void;
  /** What the error of a download that fails tells the user to do. */
  readonly advice?: string;
  /** Milliseconds without a byte after which the download fails; 30,000 by default. */
  readonly patience?: number;
}

/**
 * Downloads a file, unless it is there already, and checks its MD5 digest either way.
 *
 * The bytes go to `<path>.part`, which is renamed once the digest is right.
 *
 * @param source Where the file is, and its digest.
 * @param path Where it goes; its folder is made.
 * @param options Progress, advice and patience.
 * @throws {Error} If the file that is there has another digest (it is left as it is), or if the
 * download fails or has another digest (then there is no file).
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "abc");
 * const url = "https://example.org/abc";
 * await download({ url, md5: "900150983cd24fb0d6963f7d28e17f72" }, path);
 * await assert.rejects(download({ url, md5: "0".repeat(32) }, path), /its MD5 must be 0{32}/);
 * await Deno.remove(path);
 * ```
 */
export async function download(
  { url, md5 }: Source,
  path: string,
  { onProgress = () => {}, advice = `put the file at ${path}`, patience = 30_000 }:
    DownloadOptions = {},
): Promise<void> {
  if (await exists(path)) {
    const found = await md5OfFile(path);
    if (found === md5) return;
    throw new Error(`Cannot use ${path}: its MD5 must be ${md5}, found ${found}`);
  }
  const part = `${path}.part`;
  try {
    const found = await save(url, part, { onProgress, patience });
    if (found !== md5) throw new Error(`the MD5 of ${path} must be ${md5}, found ${found}`);
    await Deno.rename(part, path);
  } catch (cause) {
    await Deno.remove(part).catch(() => undefined);
    throw new Error(`Cannot download ${url}: ${reasonOf(cause)}; ${advice}`, { cause });
  }
}

async function save(
  url: string,
  part: string,
  { onProgress, patience }: Required<Pick<DownloadOptions, "onProgress" | "patience">>,
): Promise<string> {
  const silence = new AbortController();
  const giveUp = () => silence.abort(new Error(`no byte arrived for ${patience / 1000} s`));
  let timer = setTimeout(giveUp, patience);
  try {
    // Otherwise a server that marks the file as compressed has it unpacked on the way.
    const headers = { "accept-encoding": "identity" };
    const { ok, status, statusText, headers: answer, body } = await fetch(url, {
      headers,
      signal: silence.signal,
    });
    if (!ok || body === null) {
      await body?.cancel();
      throw new Error(`the server must answer 200 OK, found ${`${status} ${statusText}`.trim()}`);
    }
    const length = answer.get("content-length");
    const total = length === null ? undefined : Number(length);
    const hash = createHash("md5");
    let received = 0;
    const watch = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(piece, controller) {
        clearTimeout(timer);
        timer = setTimeout(giveUp, patience);
        received += piece.length;
        hash.update(piece);
        onProgress({ received, total });
        controller.enqueue(piece);
      },
    });
    await Deno.mkdir(dirname(part), { recursive: true });
    const file = await Deno.open(part, { write: true, create: true, truncate: true });
    await body.pipeThrough(watch).pipeTo(file.writable);
    return hash.digest("hex");
  } finally {
    clearTimeout(timer);
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message } = error.cause instanceof Error ? error.cause : error;
  return message.replace(/^error sending request for url \([^)]*\): /, "");
}
