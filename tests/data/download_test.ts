import assert from "node:assert/strict";
import { download, type Progress } from "../../data/download.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { filesIn, md5, serve } from "./tar_gz.ts";

const BYTES = Uint8Array.from({ length: 200_000 }, (_, at) => at % 253);
const MD5 = md5(BYTES);
const OTHER_MD5 = "0123456789abcdef".repeat(2);

function refused(url: string, reason: string | RegExp): (error: unknown) => true {
  return (error) => {
    assert(error instanceof Error);
    assert.match(error.message, /^[^\n]+$/);
    const start = `Cannot download ${url}: `;
    assert.equal(error.message.slice(0, start.length), start);
    const rest = error.message.slice(start.length);
    if (typeof reason === "string") assert.equal(rest, reason);
    else assert.match(rest, reason);
    return true;
  };
}

async function answerInPart(listener: Deno.Listener): Promise<void> {
  using connection = await listener.accept();
  await connection.read(new Uint8Array(4096));
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BYTES.length}\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  await connection.write(BYTES.subarray(0, 1000));
}

Deno.test("download: the file lies whole at its path, in a folder that was not there", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response(BYTES));
  const path = `${folder.path}/new/folder/file`;
  await download({ url: server.url, md5: MD5 }, path);
  assert.equal(md5(await Deno.readFile(path)), MD5);
  assert.deepEqual(await filesIn(`${folder.path}/new/folder`), ["file"]);
});

Deno.test("download: progress grows to the length the server told", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response(BYTES));
  const seen: Progress[] = [];
  await download({ url: server.url, md5: MD5 }, `${folder.path}/file`, {
    onProgress: (progress) => seen.push(progress),
  });
  assert(seen.every(({ total }) => total === BYTES.length));
  assert(seen.every(({ received }, at) => received > (seen[at - 1]?.received ?? 0)));
  assert.equal(seen.at(-1)?.received, BYTES.length);
});

Deno.test("download: progress has no total where the server tells no length", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response(ReadableStream.from([BYTES])));
  const totals = new Set<number | undefined>();
  await download({ url: server.url, md5: MD5 }, `${folder.path}/file`, {
    onProgress: ({ total }) => totals.add(total),
  });
  assert.deepEqual([...totals], [undefined]);
});

Deno.test("download: a file that is marked as compressed is kept as it is", async () => {
  await using folder = await tempFolder();
  const packed = new Blob([BYTES]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const headers = { "content-encoding": "gzip" };
  await using server = serve(() => new Response(bytes, { headers }));
  await download({ url: server.url, md5: md5(bytes) }, `${folder.path}/file`);
  assert.equal(md5(await Deno.readFile(`${folder.path}/file`)), md5(bytes));
});

Deno.test("download: a file that is there is used, and nothing is fetched", async () => {
  await using folder = await tempFolder();
  let requests = 0;
  await using server = serve(() => new Response(String(requests++)));
  await Deno.writeFile(`${folder.path}/file`, BYTES);
  await download({ url: server.url, md5: MD5 }, `${folder.path}/file`);
  assert.equal(requests, 0);
});

Deno.test("download: a file that is there with another digest is refused and left", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response("new"));
  const path = `${folder.path}/file`;
  await Deno.writeFile(path, BYTES);
  await assert.rejects(download({ url: server.url, md5: OTHER_MD5 }, path), {
    message: `Cannot use ${path}: its MD5 must be ${OTHER_MD5}, found ${MD5}`,
  });
  assert.equal(md5(await Deno.readFile(path)), MD5);
});

Deno.test("download: what arrives with another digest is not kept", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response(BYTES));
  const { url } = server;
  const path = `${folder.path}/file`;
  await assert.rejects(
    download({ url, md5: OTHER_MD5 }, path),
    refused(url, `the MD5 of ${path} must be ${OTHER_MD5}, found ${MD5}; put the file at ${path}`),
  );
  assert.deepEqual(await filesIn(folder.path), []);
});

Deno.test("download: what an interrupted download left is overwritten", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response("short"));
  await Deno.writeTextFile(`${folder.path}/file.part`, "much longer than that");
  await download(
    { url: server.url, md5: md5(new TextEncoder().encode("short")) },
    `${folder.path}/file`,
  );
  assert.deepEqual(await filesIn(folder.path), ["file"]);
  assert.equal(await Deno.readTextFile(`${folder.path}/file`), "short");
});

Deno.test("download: another status than 200 is named, with the advice", async () => {
  await using folder = await tempFolder();
  await using server = serve(() => new Response("gone", { status: 404 }));
  const { url } = server;
  await assert.rejects(
    download({ url, md5: MD5 }, `${folder.path}/new/file`, { advice: "ask the author" }),
    refused(url, "the server must answer 200 OK, found 404 Not Found; ask the author"),
  );
  assert.deepEqual(await filesIn(folder.path), []);
});

Deno.test("download: no server gives the reason and where to put the file", async () => {
  await using folder = await tempFolder();
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = `http://127.0.0.1:${listener.addr.port}/file`;
  listener.close();
  const path = `${folder.path}/file`;
  await assert.rejects(download({ url, md5: MD5 }, path), (error) => {
    refused(url, /^client error \(Connect\): .*refused/i)(error);
    assert(error instanceof Error && error.message.endsWith(`; put the file at ${path}`));
    return true;
  });
});

Deno.test("download: a missing permission is named", {
  permissions: { net: false, read: "inherit", write: "inherit" },
}, async () => {
  await using folder = await tempFolder();
  const url = "http://127.0.0.1:8123/file";
  await assert.rejects(
    download({ url, md5: MD5 }, `${folder.path}/file`),
    refused(url, /^Requires net access to "127\.0\.0\.1:8123"/),
  );
});

Deno.test("download: a connection that breaks leaves no file", async () => {
  await using folder = await tempFolder();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answered = answerInPart(listener);
  const url = `http://127.0.0.1:${listener.addr.port}/file`;
  await assert.rejects(download({ url, md5: MD5 }, `${folder.path}/file`), refused(url, /./));
  await answered;
  assert.deepEqual(await filesIn(folder.path), []);
});

Deno.test("download: a server that falls silent is given up", async () => {
  await using folder = await tempFolder();
  await using server = serve(() =>
    new Response(
      new ReadableStream({
        start: (controller) => controller.enqueue(BYTES.subarray(0, 1000)),
      }),
    )
  );
  const { url } = server;
  const path = `${folder.path}/file`;
  await assert.rejects(
    download({ url, md5: MD5 }, path, { patience: 50 }),
    refused(url, `no byte arrived for 0.05 s; put the file at ${path}`),
  );
  assert.deepEqual(await filesIn(folder.path), []);
});
