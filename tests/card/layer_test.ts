import assert from "node:assert/strict";
import { runProgram } from "../support/programs.ts";
import { runAsCard, testAsCard } from "../support/as_card.ts";
import { H100, posingAs } from "../support/posing_layer/posing_layer.ts";
import { tempFolder } from "../support/temp_folder.ts";

const SPIRV = 0x07230203;

/** The 64-bit FNV-1a of some bytes, as the layer writes it. */
function hashOf(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash.toString(16).padStart(16, "0");
}

testAsCard(
  "posing layer: a process sees the card's limits in the place of the driver's",
  async () => {
    const card = {
      ...H100,
      storageRange: 2 ** 28,
      buffer: 1e9,
      workgroupMemory: 40_000,
      subgroup: 32,
    };
    const look = `const { info, limits } = await navigator.gpu.requestAdapter();
    console.log(JSON.stringify([info.description, info.vendor, info.isFallbackAdapter,
      info.subgroupMinSize, info.subgroupMaxSize, limits.maxStorageBufferBindingSize,
      limits.maxBufferSize, limits.maxComputeWorkgroupStorageSize]));`;
    const { stdout, stderr } = await runProgram(
      Deno.execPath(),
      ["eval", look],
      { ...await posingAs(card), DENO_WEBGPU_BACKEND: "vulkan", XDG_RUNTIME_DIR: "/tmp" },
    );
    const wanted = [card.name, `${card.vendor}`, false, 32, 32, 2 ** 28, 1e9, 40_000];
    assert.deepEqual(JSON.parse(stdout), wanted, stderr);
  },
);

testAsCard(
  "posing layer: keeps each module under its hash, and lists them as they are made",
  async () => {
    await using root = await tempFolder();
    const modules = `${root.path}/modules`;
    await Deno.mkdir(modules);
    const { code, stderr } = await runAsCard("doctor", [], { cwd: root.path, modules });
    assert.equal(code, 0, stderr);
    const names = (await Array.fromAsync(Deno.readDir(modules), ({ name }) => name)).sort();
    const lists = names.filter((name) => /^\d+\.modules$/.test(name));
    assert.equal(lists.length, 1);
    const listed = (await Deno.readTextFile(`${modules}/${lists[0]}`)).trimEnd().split("\n");
    const files = names.filter((name) => !lists.includes(name));
    assert.deepEqual([...new Set(listed)].sort().map((hash) => `${hash}.spv`), files);
    for (const file of files) {
      const bytes = await Deno.readFile(`${modules}/${file}`);
      assert.equal(`${hashOf(bytes)}.spv`, file);
      assert.equal(new DataView(bytes.buffer).getUint32(0, true), SPIRV);
    }
  },
);
