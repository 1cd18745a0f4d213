import assert from "node:assert/strict";
import { join } from "node:path";
import { sharp } from "../data/pictures/sharp.ts";
import config from "../deno.json" with { type: "json" };
import { tempFolder } from "./support/temp_folder.ts";

const ROOT = new URL("../", import.meta.url);
const OUTSIDE = new URL("support/outside.ts", import.meta.url);

/** Draws a set of images with one red, green and blue, each a PNG. */
async function drawColour(root: string): Promise<void> {
  const background = { r: 200, g: 100, b: 50 };
  const png = await sharp({ create: { width: 9, height: 7, channels: 3, background } }).png()
    .toBuffer();
  for (const split of ["train", "val"]) {
    await Deno.mkdir(join(root, split, "one"), { recursive: true });
    await Deno.writeFile(join(root, split, "one", "image.png"), png);
  }
}

/** Runs `outside.ts` in a folder of its own, where `mod.ts` has an address. */
async function runOutside(
  { folder, address, flags = [], env = {} }: {
    folder: string;
    address: string;
    flags?: readonly string[];
    env?: Record<string, string>;
  },
): Promise<unknown> {
  const script = await Deno.readTextFile(OUTSIDE);
  await Deno.writeTextFile(`${folder}/script.ts`, script.replace('"../../mod.ts"', `"${address}"`));
  await drawColour(`${folder}/images`);
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--allow-read",
      `--allow-write=${folder}`,
      "--allow-ffi",
      "--allow-env=XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,MALLOC_ARENA_MAX,npm_package_config_libvips",
      ...flags,
      "script.ts",
      `${folder}/images`,
    ],
    cwd: folder,
    env: { ...env, NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

const OUTCOME = {
  rectified: [0, 2],
  pixels: [200, 200, 200, 200, 100, 100, 100, 100, 50, 50, 50, 50],
  weights: [["w", 3, 4]],
};

/** A folder for what Deno keeps of the net, with the packages that it has already. */
async function emptyCache(folder: string): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  const { npmCache } = JSON.parse(new TextDecoder().decode(stdout));
  await Deno.mkdir(folder);
  await Deno.symlink(npmCache, join(folder, "npm"));
  return folder;
}

Deno.test("mod: a script elsewhere, without a deno.json, imports it by its path", async () => {
  await using folder = await tempFolder();
  const address = new URL("mod.ts", ROOT).href;
  assert.deepEqual(await runOutside({ folder: folder.path, address }), OUTCOME);
});

Deno.test("mod: a project of its own imports it over HTTP, served as plain text", async () => {
  await using folder = await tempFolder();
  const { path } = folder;
  await Deno.writeTextFile(`${path}/deno.json`, "{}");
  const serve = async ({ url }: Request) => {
    const { pathname } = new URL(url);
    const type = pathname.endsWith(".wasm") ? "application/octet-stream" : "text/plain";
    const body = await Deno.readFile(new URL(`.${pathname}`, ROOT));
    return new Response(body, { headers: { "Content-Type": type } });
  };
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, serve);
  const host = `127.0.0.1:${server.addr.port}`;
  const outcome = await runOutside({
    folder: path,
    address: `http://${host}/mod.ts`,
    flags: [`--allow-import=${host}`],
    env: { DENO_DIR: await emptyCache(`${path}/cache`) },
  });
  assert.deepEqual(outcome, OUTCOME);
});

Deno.test("deno.json: maps no names, since nobody else's project reads it", () => {
  assert.ok(!("imports" in config));
});
