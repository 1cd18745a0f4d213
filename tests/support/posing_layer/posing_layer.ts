import assert from "node:assert/strict";
import { findProgram, type Found, runProgram } from "../programs.ts";

const NAME = "VK_LAYER_PUPIL_pose";
const LIBRARY = "libpose.so";
const SOURCE = new URL("layer.c", import.meta.url).pathname;

/** A card to pose as. */
export interface Card {
  /** Its name. */
  readonly name: string;
  /** The number that Vulkan gives its vendor. */
  readonly vendor: number;
  /** The most bytes of a storage buffer that are bound. */
  readonly storageRange: number;
  /** The most bytes of a buffer. */
  readonly buffer: number;
  /** The bytes of memory that a workgroup has. */
  readonly workgroupMemory: number;
  /** The size that its subgroups are said to have, while they compute with the driver's. Default: the driver's. */
  readonly subgroup?: number;
}

/** What goes wrong on it, and what is kept of it. */
export interface Posing {
  /** The bytes of its memory. Default: the driver's. */
  readonly memory?: number;
  /** The submit of a process, counted from 1, at which its device is lost. Default: none. */
  readonly lostAtSubmit?: number;
  /** The wait of a process, counted from 1, at which its device is lost. Default: none. */
  readonly lostAtWait?: number;
  /** Whether it computes nothing, so that its driver compiles nothing, and all results are zeros. Default: false. */
  readonly idle?: boolean;
  /** The folder in which its SPIR-V is kept, as `layer.c` says. Default: none. */
  readonly modules?: string;
}

/** An NVIDIA H100, but for the size of its subgroups. */
export const H100: Card = {
  name: "NVIDIA H100 80GB HBM3",
  vendor: 0x10de,
  storageRange: 0xffff_ffff,
  buffer: 4_292_870_144,
  workgroupMemory: 48 * 1024,
};

/** Looks for a compiler and the headers of Vulkan, and installs their packages where that is possible. */
export async function findLayerCompiler(): Promise<Found> {
  return await findProgram("cc", {
    packages: ["gcc", "libc6-dev", "libvulkan-dev"],
    args: ["-fsyntax-only", SOURCE],
  });
}

/** A folder that keeps the layer of this source for the next process. */
async function layerFolder(): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", await Deno.readFile(SOURCE));
  const name = new Uint8Array(digest).toHex().slice(0, 16);
  return `${Deno.env.get("HOME") ?? "/tmp"}/.cache/pupil/posing_layer/${name}`;
}

/** Compiles the layer into a folder that nobody else uses, with the manifest by which the loader finds it. */
async function compileLayer(folder: string): Promise<void> {
  const words = ["-O2", "-Wall", "-Wextra", "-fvisibility=hidden", "-fPIC", "-shared", SOURCE];
  const { code, stderr } = await runProgram("cc", [...words, "-o", `${folder}/${LIBRARY}`]);
  assert.deepEqual([code, stderr], [0, ""]);
  const layer = {
    name: NAME,
    type: "GLOBAL",
    library_path: `./${LIBRARY}`,
    api_version: "1.3.0",
    implementation_version: "1",
    description: "Poses as a card",
  };
  const manifest = { file_format_version: "1.1.2", layer };
  await Deno.writeTextFile(`${folder}/manifest.json`, JSON.stringify(manifest));
}

/** Builds the layer, unless this source was built before, and gives its folder. */
async function buildLayer(): Promise<string> {
  const folder = await layerFolder();
  if (await Deno.stat(folder).then(() => true, () => false)) return folder;
  const place = `${folder}.${crypto.randomUUID()}`;
  await Deno.mkdir(place, { recursive: true });
  await compileLayer(place);
  try {
    await Deno.rename(place, folder);
  } catch {
    await Deno.remove(place, { recursive: true }); // Another process was first.
  }
  return folder;
}

/** The environment in which a process sees a card in the place of its software adapter. */
export async function posingAs(card: Card, posing: Posing = {}): Promise<Record<string, string>> {
  const variables = {
    VK_LAYER_PATH: await buildLayer(),
    VK_INSTANCE_LAYERS: NAME,
    POSE_NAME: card.name,
    POSE_VENDOR: card.vendor,
    POSE_STORAGE_RANGE: card.storageRange,
    POSE_BUFFER: card.buffer,
    POSE_WORKGROUP_MEMORY: card.workgroupMemory,
    POSE_SUBGROUP: card.subgroup,
    POSE_MEMORY: posing.memory,
    POSE_LOST_AT_SUBMIT: posing.lostAtSubmit,
    POSE_LOST_AT_WAIT: posing.lostAtWait,
    POSE_IDLE: posing.idle === true ? 1 : undefined,
    POSE_MODULES: posing.modules,
  };
  const set = Object.entries(variables).filter(([, value]) => value !== undefined);
  return Object.fromEntries(set.map(([name, value]) => [name, `${value}`]));
}
