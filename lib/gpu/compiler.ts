import type { Failures } from "./failures.ts";
import { boundTensors, type Constants, type Dispatch, type Kernel } from "./kernel.ts";

/** A dispatch with its pipeline and bind group, ready to encode. */
export interface BoundDispatch {
  /** The compiled entry point. */
  readonly pipeline: GPUComputePipeline;
  /** The buffers. */
  readonly group: GPUBindGroup;
  /** Workgroups along x, y, z. */
  readonly grid: readonly [number, number, number];
}

/** Makes pipelines and bind groups, each layout, module and pipeline once. */
export class Compiler {
  readonly #pipelines = new Map<Kernel, Map<string, GPUComputePipeline>>();
  readonly #modules = new Map<Kernel, GPUShaderModule>();
  readonly #layouts = new Map<string, GPUBindGroupLayout>();

  /** Compiles for a device and reports to its failures. */
  constructor(private readonly device: GPUDevice, private readonly failures: Failures) {}

  /** Compiles a dispatch's pipeline, unless that is done, and makes its bind group. */
  bind(dispatch: Dispatch): BoundDispatch {
    const { kernel, entry, constants, grid, label } = dispatch;
    const layout = this.#layoutFor(dispatch);
    const pipeline = this.#pipelineFor(kernel, { entry, constants, layout, label });
    const entries = boundTensors(dispatch).map(({ storage }, binding) => ({
      binding,
      resource: storage.range,
    }));
    const group = this.failures.guard(
      { action: `bind ${label}` },
      () => this.device.createBindGroup({ label, layout, entries }),
    );
    return { pipeline, group, grid: [grid[0], grid[1] ?? 1, grid[2] ?? 1] };
  }

  #layoutFor({ read, write }: Dispatch): GPUBindGroupLayout {
    const key = `${read.length} read, ${write.length} written`;
    const found = this.#layouts.get(key);
    if (found !== undefined) return found;
    const types: GPUBufferBindingType[] = [
      ...read.map(() => "read-only-storage" as const),
      ...write.map(() => "storage" as const),
    ];
    const layout = this.device.createBindGroupLayout({
      label: key,
      entries: types.map((type, binding) => ({
        binding,
        visibility: GPUShaderStage.COMPUTE,
        buffer: { type },
      })),
    });
    this.#layouts.set(key, layout);
    return layout;
  }

  #pipelineFor(
    kernel: Kernel,
    { entry, constants, layout, label }: {
      entry: string;
      constants: Constants;
      layout: GPUBindGroupLayout;
      label: string;
    },
  ): GPUComputePipeline {
    const pipelines = this.#pipelines.get(kernel) ?? new Map<string, GPUComputePipeline>();
    this.#pipelines.set(kernel, pipelines);
    const key = `${layout.label} ${label}`;
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
        compute: { module, entryPoint: entry, constants: { ...constants } },
      }));
    pipelines.set(key, pipeline);
    return pipeline;
  }
}

/** Appends bound dispatches to a compute pass. */
export function encode(pass: GPUComputePassEncoder, dispatches: readonly BoundDispatch[]): void {
  let current: GPUComputePipeline | null = null;
  for (const { pipeline, group, grid } of dispatches) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(grid[0], grid[1], grid[2]);
  }
}
