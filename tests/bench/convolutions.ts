import { groupWidths, RESNET_WIDTHS, resNetBlocks } from "../../mod.ts";
import { resNetBlocksOf } from "../../lib/models/resnet_sizes.ts";
import { blocksOf } from "../../lib/models/wide_resnet_sizes.ts";

/** The sizes of one convolution, the batch left out. */
export interface Convolution {
  /** The side of the kernel. */
  readonly kernel: number;
  readonly inputs: number;
  readonly outputs: number;
  /** The side of the image that goes in. */
  readonly side: number;
  readonly stride: number;
  readonly padding: number;
}

/** A network as the benchmark names it: the convolutions of one pass, in order, and its last layer. */
export interface Network {
  readonly name: string;
  readonly side: number;
  readonly layers: readonly Convolution[];
  /** Inputs and outputs of the linear layer. */
  readonly linear: readonly [number, number];
}

/** `3x3 16>32 32x32/2`: kernel, channels, the image that goes in, and the stride where it is not 1. */
export function nameOf({ kernel, inputs, outputs, side, stride }: Convolution): string {
  const step = stride === 1 ? "" : `/${stride}`;
  return `${kernel}x${kernel} ${inputs}>${outputs} ${side}x${side}${step}`;
}

/** The side of the image that comes out. */
export function outputSide({ kernel, side, stride, padding }: Convolution): number {
  return Math.floor((side + 2 * padding - kernel) / stride) + 1;
}

/** Floating-point operations of a pass, a multiplication and an addition two. */
export function flopOf(convolution: Convolution, batch: number): number {
  const { kernel, inputs, outputs } = convolution;
  return 2 * batch * outputSide(convolution) ** 2 * kernel ** 2 * inputs * outputs;
}

/** Floating-point operations of a network's forward pass. */
export function forwardFlop({ layers, linear }: Network, batch: number): number {
  const convolutions = layers.reduce((sum, layer) => sum + flopOf(layer, batch), 0);
  return convolutions + 2 * batch * linear[0] * linear[1];
}

/**
 * The floating-point operations of a training step, counting the model's convolutions and linear layers only: three
 * passes of the student's, one of the teacher's.
 */
export function stepFlop(student: Network, teacher: Network | null, batch: number): number {
  return 3 * forwardFlop(student, batch) + (teacher === null ? 0 : forwardFlop(teacher, batch));
}

/** The two convolutions of a basic block, and the 1x1 one beside them where it has one. */
function blockLayers(
  { inputs, outputs, side, stride, hasShortcut }: {
    inputs: number;
    outputs: number;
    side: number;
    stride: number;
    hasShortcut: boolean;
  },
): Convolution[] {
  const first = { kernel: 3, inputs, outputs, side, stride, padding: 1 };
  const after = outputSide(first);
  return [
    first,
    { kernel: 3, inputs: outputs, outputs, side: after, stride: 1, padding: 1 },
    ...(hasShortcut ? [{ kernel: 1, inputs, outputs, side, stride, padding: 0 }] : []),
  ];
}

/** WRN-depth-width on 32x32 images, 10 classes. */
export function wideNetwork(depth: number, width: number): Network {
  const widths = groupWidths(width);
  const layers: Convolution[] = [
    { kernel: 3, inputs: 3, outputs: 16, side: 32, stride: 1, padding: 1 },
  ];
  let [inputs, side] = [16, 32];
  for (const [group, outputs] of widths.entries()) {
    for (let at = 0; at < blocksOf(depth); at++) {
      const stride = group > 0 && at === 0 ? 2 : 1;
      layers.push(
        ...blockLayers({ inputs, outputs, side, stride, hasShortcut: inputs !== outputs }),
      );
      side /= stride;
      inputs = outputs;
    }
  }
  return { name: `WRN-${depth}-${width}`, side: 32, layers, linear: [inputs, 10] };
}

/** ResNet-18 or ResNet-34 on square images, 1000 classes. */
export function imageNetwork(depth: number, imageSide: number): Network {
  const sizes = { blocks: resNetBlocks(depth), widths: RESNET_WIDTHS, stem: 64, classes: 1000 };
  const stem = { kernel: 7, inputs: 3, outputs: 64, side: imageSide, stride: 2, padding: 3 };
  const layers: Convolution[] = [stem];
  let side = outputSide({ ...stem, kernel: 3, side: outputSide(stem), padding: 1 });
  for (const block of resNetBlocksOf(sizes).flat()) {
    layers.push(...blockLayers({ ...block, side }));
    if (block.stride === 2) side = Math.ceil(side / 2);
  }
  return { name: `ResNet-${depth}`, side: imageSide, layers, linear: [512, 1000] };
}

/** A convolution, and the networks that have it. */
export interface UsedConvolution extends Convolution {
  readonly networks: readonly string[];
}

/** Every different convolution of the networks, in the order in which they first appear. */
export function differentConvolutions(networks: readonly Network[]): UsedConvolution[] {
  const found = new Map<string, { layer: Convolution; networks: Set<string> }>();
  for (const { name, layers } of networks) {
    for (const layer of layers) {
      const entry = found.get(nameOf(layer)) ?? { layer, networks: new Set<string>() };
      entry.networks.add(name);
      found.set(nameOf(layer), entry);
    }
  }
  return [...found.values()].map(({ layer, networks }) => ({ ...layer, networks: [...networks] }));
}
