function setUnlessPresent(name: string, value: () => string): void {
  const state = Deno.permissions.querySync({ name: "env", variable: name }).state;
  if (state === "granted" && Deno.env.get(name) === undefined) Deno.env.set(name, value());
}

/**
 * Asks for a WebGPU adapter, `null` where none answers. On Linux it first chooses Vulkan, since Deno would silently
 * take OpenGL ES where Vulkan is missing, and names a runtime folder, without which the driver prints an error line.
 */
export function requestAdapter(): Promise<GPUAdapter | null> {
  if (Deno.build.os === "linux") {
    setUnlessPresent("DENO_WEBGPU_BACKEND", () => "vulkan");
    setUnlessPresent("XDG_RUNTIME_DIR", () => "/tmp");
  }
  return navigator.gpu.requestAdapter({ powerPreference: "high-performance" });
}

const USED_FEATURES: readonly GPUFeatureName[] = ["timestamp-query", "shader-f16"];

function limitsOf(adapter: GPUAdapter): Record<string, number> {
  const limits: Record<string, number> = {};
  for (const name in adapter.limits) {
    const value: unknown = Reflect.get(adapter.limits, name);
    if (typeof value === "number") limits[name] = value;
  }
  return limits;
}

/**
 * Asks an adapter for a device with its own limits and those of its features that the kernels use.
 *
 * @param adapter The adapter; it gives one device.
 */
export async function requestDevice(adapter: GPUAdapter): Promise<GPUDevice> {
  const listed = USED_FEATURES.filter((feature) => adapter.features.has(feature));
  const request = (requiredFeatures: GPUFeatureName[]) =>
    adapter.requestDevice({
      label: "pupil",
      requiredLimits: limitsOf(adapter),
      requiredFeatures,
    });
  try {
    // Deno gives subgroups to those who ask, yet lists them nowhere, so asking is the only way to know.
    return await request([...listed, "subgroups"]);
  } catch {
    return await request(listed);
  }
}

/** What an adapter says of itself. */
export interface AdapterDescription {
  /** The card's or driver's name. */
  readonly name: string;
  /** All that tells it from others, with the versions of drivers as far as they are known. */
  readonly identity: string;
  /** Who made it. */
  readonly vendor: string;
  /** Whether it computes on the CPU. */
  readonly isSoftware: boolean;
  /** The fewest invocations that its subgroups have, 0 where it does not say. */
  readonly leastSubgroup: number;
}

/** Vendors by the numbers that Vulkan gives them. */
const VENDORS: Readonly<Record<string, string>> = {
  "4098": "AMD",
  "4318": "NVIDIA",
  "5045": "Arm",
  "20803": "Qualcomm",
  "32902": "Intel",
  "65541": "Mesa",
};

/**
 * Reads an adapter's name, vendor and kind.
 *
 * @param adapter The adapter.
 * @param options.drivers What is known of the versions of drivers beside what it says. Default: nothing.
 */
export function describeAdapter(
  adapter: GPUAdapter,
  { drivers = "" }: { readonly drivers?: string | undefined } = {},
): AdapterDescription {
  const { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize } =
    adapter.info;
  return {
    name: [description, device].find((text) => text !== "") ?? "unknown adapter",
    identity: [vendor, architecture, device, description, drivers]
      .filter((text) => text !== "").join(" "),
    vendor: VENDORS[vendor] ?? `vendor ${vendor}`,
    isSoftware: isFallbackAdapter,
    leastSubgroup: subgroupMinSize ?? 0,
  };
}
