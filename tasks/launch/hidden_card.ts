import { type AdapterDescription, describeAdapter, requestAdapter } from "../../lib/gpu/adapter.ts";
import type { LaunchRequest } from "./launch_request.ts";
import { mayRunPrograms, readProgram } from "./program.ts";

/** A card of which this machine shows a sign, whether WebGPU finds it or not. */
export interface CardFacts {
  /** Who made it. */
  readonly maker: "AMD" | "NVIDIA";
  /** The path that shows it. */
  readonly sign: string;
  /** The device file that this user may not open; `null` for none. */
  readonly closed: string | null;
  /** Those of the libraries that its driver may need that are there. */
  readonly libraries: ReadonlySet<string>;
  /** The drivers that Vulkan is told of: each file, its library, and whether that is there. */
  readonly drivers: readonly {
    readonly file: string;
    readonly library: string;
    readonly isThere: boolean;
  }[];
}

/**
 * Prints what a machine shows of cards and of Vulkan's drivers, a line each. Its argument stands for the root of the file
 * system. Deno reads nothing under /dev, /proc and /sys, whatever its permissions, unless they are all.
 */
const LOOK = `root=$1
card() { test -e "$root$2" && echo "card $1 $2"; }
card NVIDIA /dev/nvidiactl
card NVIDIA /proc/driver/nvidia/version
card AMD /dev/kfd
for node in "$root"/dev/dri/renderD*; do
  case $(cat "$root/sys/class/drm/\${node##*/}/device/vendor") in
    0x10de) maker=NVIDIA ;;
    0x1002) maker=AMD ;;
    *) continue ;;
  esac
  card $maker "\${node#"$root"}"
  (: < "$node") || echo "closed \${node#"$root"}"
done
library() {
  case $1 in /*) test -e "$root$1"; return ;; esac
  found=$(find "$root"/usr/lib "$root"/usr/lib64 "$root"/lib64 "$root"/usr/local/lib -maxdepth 2 -name "$1")
  test -n "$found" && return
  test -z "$root" && { ldconfig -p || /sbin/ldconfig -p; } | grep -q "[[:space:]]$1 "
}
for name in libvulkan.so.1 libX11.so.6 libXext.so.6 libEGL_nvidia.so.0; do
  library $name && echo "library $name"
done
told=\${VK_DRIVER_FILES:-$VK_ICD_FILENAMES}
if test -n "$told"; then IFS=:; set -- $told; unset IFS
else set -- "$root"/etc/vulkan/icd.d/*.json "$root"/usr/local/share/vulkan/icd.d/*.json "$root"/usr/share/vulkan/icd.d/*.json
fi
for file; do
  name=$(sed -n 's/.*"library_path"[^"]*"\\([^"]*\\)".*/\\1/p' "$file")
  test -n "$name" || continue
  library "$name" && there=there || there=missing
  printf 'driver\\t%s\\t%s\\t%s\\n' "$file" "$name" $there
done`;

/**
 * Reads what the look at a machine printed.
 *
 * @param text A line for each thing found.
 * @returns What there is of a card, `null` where no sign of one was found.
 */
export function parseFacts(text: string): CardFacts | null {
  const [, maker, sign = ""] = /^card (AMD|NVIDIA) (.+)$/m.exec(text) ?? [];
  if (maker !== "AMD" && maker !== "NVIDIA") return null;
  return {
    maker,
    sign,
    closed: /^closed (.+)$/m.exec(text)?.at(1) ?? null,
    libraries: new Set([...text.matchAll(/^library (.+)$/gm)].map(([, name = ""]) => name)),
    drivers: [...text.matchAll(/^driver\t(.+)\t(.+)\t(there|missing)$/gm)].map(
      ([, file = "", library = "", there]) => ({ file, library, isThere: there === "there" }),
    ),
  };
}

const DRIVERS = { AMD: /radeon|amd/i, NVIDIA: /nvidia/i } as const;

const GRAPHICS =
  "in a container, NVIDIA_DRIVER_CAPABILITIES must be all or have graphics when it is started";

/**
 * Says what keeps Vulkan from a card, and how to get it.
 *
 * @param facts What was found.
 * @returns A part of a sentence.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * const card = { maker: "NVIDIA", sign: "/dev/nvidiactl", closed: null, drivers: [] } as const;
 * const missing = explainHidden({ ...card, libraries: new Set() });
 * assert.equal(missing, "libvulkan.so.1 is missing (Debian, Ubuntu: apt-get install libvulkan1)");
 * ```
 */
export function explainHidden({ maker, closed, libraries, drivers }: CardFacts): string {
  if (!libraries.has("libvulkan.so.1")) {
    return "libvulkan.so.1 is missing (Debian, Ubuntu: apt-get install libvulkan1)";
  }
  const own = drivers.filter(({ file, library }) => DRIVERS[maker].test(file + library));
  const isNvidia = maker === "NVIDIA";
  const working = own.find(({ isThere }) => isThere);
  if (working !== undefined) {
    const wanted = ["libX11.so.6", "libXext.so.6"].filter((name) => !libraries.has(name));
    if (working.library.includes("libGLX_nvidia") && wanted.length > 0) {
      return `${working.library} needs ${wanted.join(" and ")} (Debian, Ubuntu: apt-get install ` +
        `libx11-6 libxext6), or VK_DRIVER_FILES must name a file like ${working.file} with libEGL_nvidia.so.0 in it`;
    }
    if (closed !== null) return `this user may not open ${closed} (its group is mostly render)`;
    return "its driver does not answer (vulkaninfo of vulkan-tools tells why)";
  }
  const [broken] = own;
  if (broken !== undefined) {
    const how = isNvidia ? GRAPHICS : "Debian, Ubuntu: apt-get install mesa-vulkan-drivers";
    return `${broken.library}, which ${broken.file} names, is missing (${how})`;
  }
  if (!isNvidia) {
    return "Vulkan has no driver for it (Debian, Ubuntu: apt-get install mesa-vulkan-drivers)";
  }
  if (!libraries.has("libEGL_nvidia.so.0")) {
    return `NVIDIA's Vulkan driver is missing (${GRAPHICS}; elsewhere the whole driver must be installed)`;
  }
  return `Vulkan has no file that names NVIDIA's driver (${GRAPHICS}; or VK_DRIVER_FILES must name a file with ` +
    `{"file_format_version": "1.0.0", "ICD": {"library_path": "libEGL_nvidia.so.0", "api_version": "1.3.0"}})`;
}

/**
 * Looks for signs of a card.
 *
 * @param options.root The folder that stands for the root of the file system. Default: none.
 * @returns What was found; `null` where there is no sign, or where this process may not look.
 */
export async function lookForCard(
  { root = "" }: { readonly root?: string } = {},
): Promise<CardFacts | null> {
  if (Deno.build.os !== "linux" || !mayRunPrograms()) return null;
  return parseFacts((await readProgram(["sh", "-c", LOOK, "sh", root])).text);
}

/**
 * Says why a card of this machine computes nothing.
 *
 * @param adapter The adapter that WebGPU found, `null` for none.
 * @param options.root The folder that stands for the root of the file system. Default: none.
 * @returns One line; `null` where a card computes, or none is there.
 */
export async function describeHidden(
  adapter: GPUAdapter | null,
  options: { readonly root?: string } = {},
): Promise<string | null> {
  if (adapter !== null && !describeAdapter(adapter).isSoftware) return null;
  const facts = await lookForCard(options);
  if (facts === null) return null;
  const found = adapter === null
    ? "no adapter"
    : `${describeAdapter(adapter).name}, which computes on the CPU`;
  return `wanted the ${facts.maker} card that ${facts.sign} shows, found ${found}: ${
    explainHidden(facts)
  }`;
}

/**
 * Sees to it that nobody trains on the CPU beside a card without noticing.
 *
 * @param request.allow_software Whether a software adapter will do where a card is. Default: false.
 * @param options.root The folder that stands for the root of the file system. Default: none.
 * @throws {Error} If there is a card, but WebGPU does not find it.
 */
export async function wantCard(
  { allow_software = false }: LaunchRequest,
  options: { readonly root?: string } = {},
): Promise<void> {
  if (allow_software) return;
  const hidden = await describeHidden(await requestAdapter(), options);
  if (hidden === null) return;
  throw new Error(`Cannot open the GPU: ${hidden}; --allow_software computes on the CPU`);
}

/** Names what computes, with a word of it if that is the CPU. */
export function nameAdapter({ name, isSoftware }: AdapterDescription): string {
  return isSoftware ? `no GPU: ${name} on the CPU` : name;
}
