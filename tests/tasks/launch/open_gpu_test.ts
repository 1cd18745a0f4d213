import assert from "node:assert/strict";
import { dirname } from "node:path";
import { findDrivers, openGpu } from "../../../tasks/launch/open_gpu.ts";
import { testGpu } from "../../support/gpu.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const ignore = Deno.build.os !== "linux";

const NVIDIA = "/proc/driver/nvidia/version";
const GCC = "GCC version:  gcc version 12.2.0 (Debian 12.2.0-14) \n";
const CLOSED =
  `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\n${GCC}`;
const OPEN =
  "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (root@box)  " +
  `Tue Sep  9 12:01:02 UTC 2026\n${GCC}`;
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";

/** Finds the drivers of a machine with files. */
async function found(files: Readonly<Record<string, string>>): Promise<string> {
  await using folder = await tempFolder();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(folder.path + path), { recursive: true });
    await Deno.writeTextFile(folder.path + path, text);
  }
  return await findDrivers({ root: folder.path });
}

Deno.test({
  name: "findDrivers: NVIDIA's version and each of Mesa's, once",
  ignore,
  fn: async () => {
    assert.equal(await found({}), "");
    assert.equal(await found({ [NVIDIA]: CLOSED }), "NVIDIA 535.183.01");
    const mesa = (version: string) => `\0\x7fELF\n\0Mesa ${version} (git-1)\0Mesa 1.2\n`;
    const files = {
      [NVIDIA]: OPEN,
      [`${LIBRARIES}/libvulkan_lvp.so`]: mesa("25.0.7"),
      [`${LIBRARIES}/libvulkan_radeon.so`]: mesa("25.0.7"),
      "/usr/lib64/libvulkan_intel.so": mesa("22.3.6"),
      "/usr/lib/libvulkan_other.so": "no version",
      [`${LIBRARIES}/libGL.so`]: mesa("9.9.9"),
    };
    assert.equal(await found(files), "NVIDIA 580.159.04, Mesa 22.3.6, Mesa 25.0.7");
  },
});

Deno.test({
  name: "findDrivers: finds none where it may not look",
  permissions: { run: false, env: "inherit" },
  fn: async () => assert.equal(await findDrivers(), ""),
});

Deno.test({
  name: "openGpu: the versions of the drivers tell GPUs apart where kernels are tuned",
  ignore,
  fn: async () => {
    const { identity } = (await testGpu()).adapter;
    const drivers = await findDrivers();
    for (
      const [autotune, wanted] of [["off", identity], ["quick", `${identity} ${drivers}`]] as const
    ) {
      using gpu = await openGpu(autotune);
      assert.equal(gpu.adapter.identity, wanted.trim());
    }
  },
});
