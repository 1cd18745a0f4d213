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

/** What an adapter says of itself. */
export interface AdapterDescription {
  /** The card's or driver's name. */
  readonly name: string;
  /** All that it says to tell itself from others; a driver that names its version is told apart by it. */
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

/** Reads an adapter's name, vendor and kind. */
export function describeAdapter(adapter: GPUAdapter): AdapterDescription {
  const { vendor, architecture, device, description, isFallbackAdapter, subgroupMinSize } =
    adapter.info;
  return {
    name: [description, device].find((text) => text !== "") ?? "unknown adapter",
    identity: [vendor, architecture, device, description].filter((text) => text !== "").join(" "),
    vendor: VENDORS[vendor] ?? `vendor ${vendor}`,
    isSoftware: isFallbackAdapter,
    leastSubgroup: subgroupMinSize ?? 0,
  };
}
