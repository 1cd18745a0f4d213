import type { Failures } from "./failures.ts";
import type { Passes } from "./passes.ts";
import { boundTensors, type Dispatch, type Kernel } from "./kernel.ts";
import type { TexelCopy } from "./texel_plan.ts";
import { NUMBERS_BINDING, TEXEL_FORMATS, withTexels } from "./texels.ts";

/** A dispatch with its pipeline and bind group, ready to encode. */
export interface BoundDispatch {
  /** The compiled entry point. */
  readonly pipeline: GPUComputePipeline;
  /** The buffers. */
  readonly group: GPUBindGroup;
  /** Workgroups along x, y, z. */
  readonly grid: readonly [number, number, number];
  /** What is copied into textures before it runs. */
  readonly copies: readonly TexelCopy[];
}

/** How a dispatch reads tensors through textures, and its sizes from a buffer. */
export interface BoundTexels {
  /** The textures, by binding. */
  readonly views: ReadonlyMap<number, GPUTextureView>;
  /** In which rows the tensors begin there and what the sizes are; `null` where they are overrides. */
  readonly numbers: GPUBufferBinding | null;
  /** What is copied into textures before. */
  readonly copies: readonly TexelCopy[];
}

const NO_TEXELS: BoundTexels = { views: new Map(), numbers: null, copies: [] };

/** Makes pipelines and bind groups, each layout, module and pipeline once. */
export class Compiler {
  readonly #pipelines = new Map<Kernel, Map<string, GPUComputePipeline>>();
  readonly #modules = new Map<Kernel, GPUShaderModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  /** Compiles for a device and reports to its failures. */
  constructor(private readonly device: GPUDevice, private readonly failures: Failures) {}

  /** Compiles a dispatch's pipeline, unless that is done, and makes its bind group. */
  bind(dispatch: Dispatch, { views, numbers, copies }: BoundTexels = NO_TEXELS): BoundDispatch {
    const { entry, grid, label } = dispatch;
    const texels = [...views.keys()];
    const kernel = numbers === null ? dispatch.kernel : withTexels(dispatch.kernel, texels);
    const layout = this.#layoutFor(dispatch, { texels, hasNumbers: numbers !== null });
    const sizes = numbers === null ? [] : kernel.sizes;
    const constants = Object.entries(dispatch.constants).filter(([name]) => !sizes.includes(name));
    const pipeline = this.#pipelineFor(kernel, { entry, constants, layout, label });
    const entries: GPUBindGroupEntry[] = boundTensors(dispatch).map(({ storage }, binding) => ({
      binding,
      resource: views.get(binding) ?? storage.range,
    }));
    if (numbers !== null) entries.push({ binding: NUMBERS_BINDING, resource: numbers });
    const group = this.failures.guard(
      { action: `bind ${label}` },
      () => this.device.createBindGroup({ label, layout, entries }),
    );
    return { pipeline, group, grid: [grid[0], grid[1] ?? 1, grid[2] ?? 1], copies };
  }

  #layoutFor(
    dispatch: Dispatch,
    { texels, hasNumbers }: { texels: readonly number[]; hasNumbers: boolean },
  ): GPUBindGroupLayout {
    const visibility = GPUShaderStage.COMPUTE;
    const entries = boundTensors(dispatch).map(({ dtype }, binding): GPUBindGroupLayoutEntry => {
      if (texels.includes(binding)) {
        const format = TEXEL_FORMATS[dtype === "f16" ? "f16" : "f32"];
        return { binding, visibility, storageTexture: { access: "read-only", format } };
      }
      const type = binding < dispatch.read.length ? "read-only-storage" : "storage";
      return { binding, visibility, buffer: { type } };
    });
    if (hasNumbers) {
      entries.push({ binding: NUMBERS_BINDING, visibility, buffer: { type: "uniform" } });
    }
    const key = JSON.stringify(entries);
    const found = this.#layouts.get(key);
    if (found !== undefined) return found;
    const layout = this.device.createBindGroupLayout({ label: key, entries });
    this.#layouts.set(key, layout);
    return layout;
  }

  #pipelineFor(
    kernel: Kernel,
    { entry, constants, layout, label }: {
      entry: string;
      constants: readonly [name: string, value: number][];
      layout: GPUBindGroupLayout;
      label: string;
    },
  ): GPUComputePipeline {
    const pipelines = this.#pipelines.get(kernel) ?? new Map<string, GPUComputePipeline>();
    this.#pipelines.set(kernel, pipelines);
    const key = `${layout.label} ${entry} ${constants.join()}`;
    const found = pipelines.get(key);
    if (found !== undefined) return found;
    const forget = () => {
      pipelines.delete(key);
      this.#modules.delete(kernel);
    };
    const compile = { action: `compile ${label}`, file: kernel.file, forget };
    const module = this.#modules.get(kernel) ??
      this.failures.guard(
        compile,
        () => this.device.createShaderModule({ label: kernel.name, code: kernel.source }),
      );
    this.#modules.set(kernel, module);
    const pipeline = this.failures.guard(compile, () =>
      this.device.createComputePipeline({
        label,
        layout: this.device.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: entry, constants: Object.fromEntries(constants) },
      }));
    pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** Appends bound dispatches, and what is copied between them. */
export function encode(passes: Passes, dispatches: readonly BoundDispatch[]): void {
  let current: GPUComputePipeline | null = null;
  for (const { pipeline, group, grid, copies } of dispatches) {
    if (copies.length > 0) {
      const encoder = passes.between();
      for (const copy of copies) copy(encoder);
      current = null;
    }
    const pass = passes.open;
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }
}
