import { Gpu } from "../../lib/gpu/device.ts";
import type { Autotune } from "../../lib/train/autotune.ts";
import { mayRunPrograms, readProgram } from "./program.ts";

/**
 * Prints the versions of the drivers that a machine has, a line each. Its argument stands for the root of the file
 * system. WebGPU does not tell them; Deno reads nothing under /proc, whatever its permissions, unless they are all.
 */
const VERSIONS = `root=$1
sed -n 's/^NVRM version:.* \\([0-9][0-9]*\\.[0-9.]*\\) .*/NVIDIA \\1/p' "$root/proc/driver/nvidia/version"
for library in "$root"/usr/lib/libvulkan_*.so "$root"/usr/lib/*/libvulkan_*.so "$root"/usr/lib64/libvulkan_*.so; do
  grep -aom1 'Mesa [0-9][0-9.]*[0-9]' "$library" | head -n 1
done | sort -u`;

/**
 * Looks for the versions of the drivers: NVIDIA's and those of Mesa.
 *
 * @param options.root The folder that stands for the root of the file system. Default: none.
 * @returns All of them, such as `NVIDIA 580.159.04, Mesa 25.0.7`; empty where none is found, or this process may not
 * look.
 */
export async function findDrivers(
  { root = "" }: { readonly root?: string } = {},
): Promise<string> {
  if (Deno.build.os !== "linux" || !mayRunPrograms()) return "";
  const { text } = await readProgram(["sh", "-c", VERSIONS, "sh", root]);
  return text.trim().replaceAll("\n", ", ");
}

/**
 * Opens the GPU. Where kernels are going to be tuned, it knows the versions of the drivers, so that those of another
 * one are tuned anew.
 *
 * @param autotune How kernels are chosen. Default: by the fixed table.
 * @throws {GpuError} If no adapter answers, or it gives no device.
 */
export async function openGpu(autotune: Autotune = "off"): Promise<Gpu> {
  return await Gpu.open(autotune === "off" ? {} : { drivers: await findDrivers() });
}
