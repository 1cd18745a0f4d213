import assert from "node:assert/strict";
import { dirname } from "node:path";
import { requestAdapter } from "../../../lib/gpu/adapter.ts";
import {
  describeHidden,
  explainHidden,
  lookForCard,
  wantCard,
} from "../../../tasks/launch/hidden_card.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const ICD = "/usr/share/vulkan/icd.d";
const NVIDIA_ICD = `${ICD}/nvidia_icd.json`;
const LIBRARIES = "/usr/lib/x86_64-linux-gnu";
const LOADER = `${LIBRARIES}/libvulkan.so.1`;

function icd(library: string): string {
  return JSON.stringify({ ICD: { library_path: library, api_version: "1.3.0" } }, null, 2);
}

/** A machine with files. */
async function machine(files: Readonly<Record<string, string>>) {
  const folder = await tempFolder();
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(folder.path + path), { recursive: true });
    await Deno.writeTextFile(folder.path + path, text);
  }
  return folder;
}

const NVIDIA = { "/dev/nvidiactl": "", [LOADER]: "" };
const AMD = { "/dev/kfd": "", [LOADER]: "" };
const render = (vendor: string) => ({
  "/dev/dri/renderD129": "",
  "/sys/class/drm/renderD129/device/vendor": `${vendor}\n`,
});
const MESA = { [`${ICD}/lvp_icd.json`]: icd("libvulkan_lvp.so") };

const NOT_LINUX = Deno.build.os !== "linux";

for (
  const [name, files, wanted] of [
    [
      "no loader",
      { "/proc/driver/nvidia/version": "" },
      /^wanted the NVIDIA card that \/proc\/driver\/nvidia\/version shows, found no adapter: libvulkan\.so\.1 is missing .*libvulkan1\)$/,
    ],
    [
      "NVIDIA without its driver",
      { ...NVIDIA, ...MESA },
      /\/dev\/nvidiactl shows, .*NVIDIA's Vulkan driver is missing \(in a container, NVIDIA_DRIVER_CAPABILITIES/,
    ],
    [
      "NVIDIA without the driver's file",
      { ...NVIDIA, [`${LIBRARIES}/libEGL_nvidia.so.0`]: "" },
      /Vulkan has no file that names NVIDIA's driver .*"library_path": "libEGL_nvidia\.so\.0"/,
    ],
    [
      "a file that names a missing library",
      { ...NVIDIA, ...MESA, [NVIDIA_ICD]: icd("libGLX_nvidia.so.0") },
      /: libGLX_nvidia\.so\.0, which \S+\/nvidia_icd\.json names, is missing \(in a container/,
    ],
    [
      "a library without those of X",
      {
        ...NVIDIA,
        [NVIDIA_ICD]: icd("libGLX_nvidia.so.0"),
        [`${LIBRARIES}/libGLX_nvidia.so.0`]: "",
        [`${LIBRARIES}/libX11.so.6`]: "",
      },
      /: libGLX_nvidia\.so\.0 needs libXext\.so\.6 \(.*apt-get install libx11-6 libxext6\), or VK_DRIVER_FILES .*libEGL_nvidia\.so\.0/,
    ],
    [
      "a whole driver",
      {
        ...render("0x10de"),
        [LOADER]: "",
        [NVIDIA_ICD]: icd("/opt/libEGL_nvidia.so.0"),
        "/opt/libEGL_nvidia.so.0": "",
      },
      /the NVIDIA card that \/dev\/dri\/renderD129 shows, .*its driver does not answer/,
    ],
    [
      "AMD without a driver",
      { ...AMD, ...MESA },
      /the AMD card that \/dev\/kfd shows, .*no driver for it .*mesa-vulkan-drivers\)$/,
    ],
    [
      "AMD with a damaged driver",
      { ...AMD, [`${ICD}/radeon_icd.json`]: icd("libvulkan_radeon.so") },
      /libvulkan_radeon\.so, which .*radeon_icd\.json names, is missing \(.*mesa-vulkan-drivers\)$/,
    ],
  ] as const
) {
  Deno.test({
    name: `describeHidden: ${name}`,
    ignore: NOT_LINUX,
    fn: async () => {
      await using folder = await machine(files);
      assert.match(await describeHidden(null, { root: folder.path }) ?? "", wanted);
    },
  });
}

Deno.test("explainHidden: a device file that this user may not open", () => {
  const driver = { file: "radeon_icd.json", library: "libvulkan_radeon.so", isThere: true };
  const card = { maker: "AMD", sign: "/dev/kfd", closed: "/dev/dri/renderD128" } as const;
  const libraries = new Set(["libvulkan.so.1"]);
  assert.equal(
    explainHidden({ ...card, libraries, drivers: [driver] }),
    "this user may not open /dev/dri/renderD128 (its group is mostly render)",
  );
});

Deno.test("describeHidden: nothing of a machine without a card, nor of another maker's", async () => {
  await using folder = await machine({ ...MESA, ...render("0x8086"), [LOADER]: "" });
  assert.equal(await lookForCard({ root: folder.path }), null);
  assert.equal(await describeHidden(null, { root: folder.path }), null);
});

Deno.test({
  name: "wantCard: refuses a software adapter beside a card, unless told",
  ignore: NOT_LINUX,
  fn: async () => {
    const adapter = await requestAdapter();
    if (adapter?.info.isFallbackAdapter === false) return;
    await using folder = await machine(NVIDIA);
    const options = { root: folder.path };
    await assert.rejects(
      wantCard({}, options),
      /^Error: Cannot open the GPU: wanted the NVIDIA card .*; --allow_software computes on the CPU$/,
    );
    await wantCard({ allow_software: true }, options);
  },
});
