import type { Gpu } from "../../gpu/device.ts";
import type { Kernel } from "../../gpu/kernel.ts";
import type { Tensor } from "../../gpu/tensor.ts";
import type { Geometry } from "./geometry.ts";

/** What a forward pass reads and writes. */
export interface ForwardJob {
  readonly geometry: Geometry;
  readonly x: Tensor;
  readonly w: Tensor;
  readonly bias: Tensor | null;
  readonly y: Tensor;
}

/** What an input gradient reads and writes. */
export interface InputGradientJob {
  readonly geometry: Geometry;
  readonly dy: Tensor;
  readonly w: Tensor;
  readonly dx: Tensor;
}

/** What a weight gradient reads and writes. */
export interface WeightGradientJob {
  readonly geometry: Geometry;
  readonly x: Tensor;
  readonly dy: Tensor;
  readonly dw: Tensor;
}

/** One way to compute a convolution or a gradient of it; all ways agree but for rounding. */
export interface Variant<Job> {
  /** What it is called in a run's configuration. */
  readonly name: string;
  /** Every kernel of its own that it dispatches. */
  readonly kernels: readonly Kernel[];
  /** Whether the device and the sizes allow it. */
  readonly fits: (gpu: Gpu, geometry: Geometry) => boolean;
  /** Whether it is the one to take where nothing was measured. */
  readonly suits: (gpu: Gpu, geometry: Geometry) => boolean;
  /** Whether it was made for software adapters and has won on no card yet: there, a quick tuning leaves it out. */
  readonly isForSoftware?: true;
  /** Dispatches it. */
  readonly run: (job: Job) => void;
}
