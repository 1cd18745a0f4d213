import type { Gpu } from "../gpu/device.ts";
import { fileTensor } from "../weights/file_tensor.ts";
import { styleOf } from "../weights/names.ts";
import type { Fixing, NamedTensors } from "../weights/parameter_set.ts";
import { readWeights } from "../weights/read_weights.ts";
import { renameWeights, summary } from "../weights/rename.ts";
import { affineResNet } from "./affine_resnet.ts";
import { foldedResNet } from "./folded_resnet.ts";
import type { Model } from "./model.ts";
import { networkTensors } from "./network_tensors.ts";
import { networkInNetwork } from "./nin.ts";
import { isNin, ninSizes } from "./nin_sizes.ts";
import { resNet } from "./resnet.ts";
import { resNetSizes } from "./resnet_sizes.ts";
import { wideResNet } from "./wide_resnet.ts";
import { wideResNetSizes } from "./wide_resnet_sizes.ts";

/** How a network is made of its weights. */
export interface ModelOptions extends Fixing {
  /** A new head in place of the weights' own: what the network tells apart is another set's. */
  readonly head?: NewHead | undefined;
}

/** The last layer of a network, started anew. */
export interface NewHead {
  /** Its outputs. */
  readonly classes: number;
  /** Seed of its initial weights. */
  readonly seed: number;
}

/** How a file of weights is opened. */
export interface OpenOptions extends ModelOptions {
  /** The part of the file to take, as {@linkcode readWeights} does. Default: the network, as it is found. */
  readonly take?: string | undefined;
  /** Is called with which part of the file was taken, and what was left out. */
  readonly onNote?: ((note: string) => void) | undefined;
}

/** A network and the tensors that go into it. */
interface Found {
  readonly model: Model;
  readonly tensors: NamedTensors;
}

/**
 * Makes the network that a weights file holds, decided by the names in it; its sizes are read from the shapes. A
 * torchvision ResNet gets its batch normalisations folded.
 *
 * @param path A file of weights of any format that {@linkcode readWeights} knows: of a wide ResNet, a
 * Network-in-Network or an ImageNet student, with the original's names, of a published export, or torchvision's state
 * dict.
 * @param options Which part of the file is taken, what of the network is fixed, and whether it gets a new head.
 * @throws {TypeError} If the file does not hold a network that Pupil knows, or other tensors beside it.
 * @throws {RangeError} If one of its numbers is NaN or infinite.
 */
export async function openModel(
  gpu: Gpu,
  path: string,
  { take, onNote = () => {}, ...options }: OpenOptions = {},
): Promise<Model> {
  const { tensors, notes } = await readWeights(path, { take });
  for (const note of notes) onNote(note);
  return modelOf(gpu, tensors, { ...options, from: path });
}

/**
 * Makes the network whose weights these are.
 *
 * @param options.from Where they are from, for errors.
 * @throws {TypeError} If they are of no network that Pupil knows, or there are others beside them.
 * @throws {RangeError} If one of their numbers is NaN or infinite.
 */
export function modelOf(
  gpu: Gpu,
  weights: NamedTensors,
  options: ModelOptions & { from: string },
): Model {
  const { from, head } = options;
  const { model, tensors } = networkOf(gpu, networkTensors(weights, { from }), options);
  try {
    model.parameters.load(head === undefined ? tensors : withoutHead(tensors, model), { from });
    return model;
  } catch (error) {
    model[Symbol.dispose]();
    throw error;
  }
}

/** The tensors with the network's first values in place of their head. */
function withoutHead(tensors: NamedTensors, { parameters }: Model): NamedTensors {
  const head = parameters.specs.filter(({ name }) => name.startsWith("fc."));
  return new Map([
    ...tensors,
    ...head.map(({ name, shape, initialise }) =>
      [name, fileTensor(new Float32Array(initialise()), shape)] as const
    ),
  ]);
}

function networkOf(
  gpu: Gpu,
  tensors: NamedTensors,
  { from, head, fixed }: ModelOptions & { from: string },
): Found {
  const start = { seed: 0, fixed, ...head };
  if (tensors.has("affine_last.a")) {
    const sizes = resNetSizes(tensors, { suffix: "", from });
    return { model: affineResNet(gpu, { ...sizes, ...start }), tensors };
  }
  if (isNin(tensors)) {
    const sizes = ninSizes(tensors, { from });
    return { model: networkInNetwork(gpu, { ...sizes, ...start }), tensors };
  }
  const style = styleOf(tensors);
  if (style === "bare" && !tensors.has("group3.block0.conv0")) {
    return { model: wideResNet(gpu, { ...wideResNetSizes(tensors, { from }), ...start }), tensors };
  }
  if (style === "bare" && !hasNormalisedShortcut(tensors)) {
    const sizes = resNetSizes(tensors, { suffix: "", from });
    return { model: resNet(gpu, { ...sizes, ...start }), tensors };
  }
  if (style === undefined) {
    throw new TypeError(
      `Cannot make a network of ${from}: wanted the tensors of a wide ResNet, a Network-in-Network or a ResNet of basic ` +
        `blocks, found ${summary([...tensors.keys()])}`,
    );
  }
  const folded = renameWeights(tensors, { to: "functional-zoo", from });
  const sizes = resNetSizes(folded, { suffix: ".weight", from });
  const shortcutBias = [...folded.keys()].some((name) => name.endsWith("conv_dim.bias"));
  return { model: foldedResNet(gpu, { ...sizes, shortcutBias, ...start }), tensors: folded };
}

function hasNormalisedShortcut(tensors: NamedTensors): boolean {
  return [...tensors.keys()].some((name) => name.includes(".bndim."));
}
