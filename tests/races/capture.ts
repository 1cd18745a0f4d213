/** A range of a buffer that a dispatch binds. */
export interface BoundRange {
  readonly binding: number;
  /** Which buffer: the same number is the same one. */
  readonly buffer: number;
  /** Bytes before the range. */
  readonly offset: number;
  /** Bytes of the range. */
  readonly size: number;
}

/** A dispatch as it was asked of WebGPU, with its module as Vulkan got it. */
export interface CapturedDispatch {
  /** The kernel's name, with ` f16` in half precision. */
  readonly kernel: string;
  readonly entry: string;
  /** The pipeline's label. */
  readonly label: string;
  /** The module's file in the folder of modules. */
  readonly module: string;
  readonly grid: readonly [number, number, number];
  readonly bindings: readonly BoundRange[];
}

const FOLDER = "POSE_MODULES";

/** The file with all dispatches that a folder of modules goes with. */
export const DISPATCHES = "dispatches.jsonl";

/** The modules that the posing layer has kept for this process, in order. */
function keptModules(folder: string): string[] {
  const list = `${folder}/${Deno.pid}.modules`;
  try {
    return Deno.readTextFileSync(list).trim().split("\n").map((hash) => `${hash}.spv`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return [];
  }
}

type Pipeline = Pick<CapturedDispatch, "kernel" | "entry" | "label" | "module">;

/** The ranges of a bind group; `null` where it has a texture or sizes in a buffer, which no card is given. */
function boundRanges(
  entries: Iterable<GPUBindGroupEntry>,
  numberOf: (buffer: GPUBuffer) => number,
): BoundRange[] | null {
  const ranges: BoundRange[] = [];
  for (const { binding, resource } of entries) {
    if (!("buffer" in resource)) return null;
    if ((resource.buffer.usage & GPUBufferUsage.UNIFORM) !== 0) return null;
    const { buffer, offset = 0, size = buffer.size - offset } = resource;
    ranges.push({ binding, buffer: numberOf(buffer), offset, size });
  }
  return ranges;
}

/**
 * Notes every distinct dispatch that this process asks of WebGPU from now on, in the folder in which the posing layer
 * keeps modules. Those that a test makes for a software adapter, with textures or with sizes in a buffer, are left out.
 */
export function captureDispatches(): void {
  const folder = Deno.env.get(FOLDER) ?? "";
  const kernels = new WeakMap<GPUShaderModule, string>();
  const pipelines = new WeakMap<GPUComputePipeline, Pipeline>();
  const groups = new WeakMap<GPUBindGroup, readonly BoundRange[]>();
  const buffers = new WeakMap<GPUBuffer, number>();
  const bound = new WeakMap<
    GPUComputePassEncoder,
    { pipeline?: Pipeline | undefined; ranges?: readonly BoundRange[] | undefined }
  >();
  const seen = new Set<string>();
  let count = 0;

  const numberOf = (buffer: GPUBuffer) => {
    const number = buffers.get(buffer) ?? count++;
    buffers.set(buffer, number);
    return number;
  };
  const note = (dispatch: CapturedDispatch) => {
    const { label: _, ...rest } = dispatch;
    const places = dispatch.bindings.map(({ buffer }) => buffer);
    const bindings = dispatch.bindings.map((range) => ({
      ...range,
      buffer: places.indexOf(range.buffer),
    }));
    const key = JSON.stringify({ ...rest, bindings });
    if (seen.has(key)) return;
    seen.add(key);
    const line = JSON.stringify({ ...dispatch, bindings });
    Deno.writeTextFileSync(`${folder}/${DISPATCHES}`, `${line}\n`, { append: true });
  };

  const device = GPUDevice.prototype;
  const pass = GPUComputePassEncoder.prototype;
  const { createShaderModule, createComputePipeline, createBindGroup } = device;
  const { setPipeline, setBindGroup, dispatchWorkgroups } = pass;
  device.createShaderModule = function (descriptor) {
    const made = createShaderModule.call(this, descriptor);
    const isHalf = descriptor.code.startsWith("enable f16");
    kernels.set(made, `${descriptor.label ?? ""}${isHalf ? " f16" : ""}`);
    return made;
  };
  device.createComputePipeline = function (descriptor) {
    const before = keptModules(folder).length;
    const made = createComputePipeline.call(this, descriptor);
    const kept = keptModules(folder);
    const { module, entryPoint = "" } = descriptor.compute;
    pipelines.set(made, {
      kernel: kernels.get(module) ?? "",
      entry: entryPoint,
      label: descriptor.label ?? "",
      module: kept.length > before ? kept.at(-1) ?? "" : "",
    });
    return made;
  };
  device.createBindGroup = function (descriptor) {
    const made = createBindGroup.call(this, descriptor);
    const ranges = boundRanges(descriptor.entries, numberOf);
    if (ranges !== null) groups.set(made, ranges);
    return made;
  };
  pass.setPipeline = function (pipeline) {
    bound.set(this, { ...bound.get(this), pipeline: pipelines.get(pipeline) });
    return setPipeline.call(this, pipeline);
  };
  pass.setBindGroup = function (index: number, group: GPUBindGroup) {
    bound.set(this, { ...bound.get(this), ranges: groups.get(group) });
    return Reflect.apply(setBindGroup, this, [index, group]);
  };
  pass.dispatchWorkgroups = function (x, y = 1, z = 1) {
    const { pipeline, ranges } = bound.get(this) ?? {};
    if (pipeline?.module === "") {
      throw new TypeError(`Cannot note ${pipeline.label}: the posing layer must keep its module`);
    }
    if (pipeline !== undefined && ranges !== undefined) {
      note({ ...pipeline, grid: [x, y, z], bindings: ranges });
    }
    return dispatchWorkgroups.call(this, x, y, z);
  };
}

/** Reads what was noted in a folder, each dispatch once. */
export async function readCapture(folder: string): Promise<CapturedDispatch[]> {
  const text = await Deno.readTextFile(`${folder}/${DISPATCHES}`);
  return [...new Set(text.trim().split("\n"))].map((line) => JSON.parse(line));
}
