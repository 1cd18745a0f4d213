import * as tf from "@tensorflow/tfjs";
import { type Gpu, imageBatch, type Model, StepValues } from "../../../mod.ts";
import { freeImages, storeImages } from "../../../lib/train/image_store.ts";
import { randomImages, type Step } from "../steps.ts";

const [EPSILON, MOMENTUM, DECAY, RATE, BETA] = [1e-5, 0.9, 5e-4, 0.01, 1000];
const STATISTICS_MOMENTUM = 0.1;

/** A wide ResNet of ours in TensorFlow.js: the same names, the same numbers. */
class TfjsNetwork {
  readonly tensors = new Map<string, tf.Variable>();
  readonly trainable: tf.Variable[] = [];

  static async copy(model: Model): Promise<TfjsNetwork> {
    const network = new TfjsNetwork();
    for (const { name, trainable } of model.parameters.specs) {
      const found = model.parameters.get(name);
      const variable = tf.variable(tf.tensor(await found.read(), [...found.shape]), trainable);
      network.tensors.set(name, variable);
      if (trainable) network.trainable.push(variable);
    }
    return network;
  }

  #variable(name: string): tf.Variable {
    const found = this.tensors.get(name);
    if (found === undefined) throw new Error(`Cannot find ${name} in TensorFlow.js's network`);
    return found;
  }

  /** Batch normalisation and ReLU; in training, the running statistics move. */
  #norm(x: tf.Tensor4D, name: string, training: boolean): tf.Tensor4D {
    const get = (part: string) => this.#variable(`${name}.${part}`);
    const [shift, scale] = [get("bias").as1D(), get("weight").as1D()];
    const [runningMean, runningVariance] = [get("running_mean"), get("running_var")];
    if (!training) {
      const statistics = [runningMean.as1D(), runningVariance.as1D()] as const;
      return tf.relu(tf.batchNorm(x, ...statistics, shift, scale, EPSILON));
    }
    const { mean, variance } = tf.moments(x, [0, 1, 2]);
    const rows = x.size / (x.shape[3] ?? 1);
    const move = (variable: tf.Variable, towards: tf.Tensor) =>
      variable.assign(
        tf.add(
          tf.mul(variable, 1 - STATISTICS_MOMENTUM),
          tf.mul(towards, STATISTICS_MOMENTUM),
        ),
      );
    move(runningMean, mean);
    move(runningVariance, tf.mul(variance, rows / (rows - 1)));
    return tf.relu(tf.batchNorm(x, mean.as1D(), variance.as1D(), shift, scale, EPSILON));
  }

  #conv(x: tf.Tensor4D, name: string, { stride, padding }: { stride: number; padding: number }) {
    const w = this.#variable(name);
    const [height = 1, width = 1, inputs = 1, outputs = 1] = w.shape;
    return tf.conv2d(x, w.as4D(height, width, inputs, outputs), stride, padding);
  }

  apply(x: tf.Tensor4D, { training }: { training: boolean }) {
    let y = this.#conv(x, "conv0", { stride: 1, padding: 1 });
    const taps: tf.Tensor4D[] = [];
    for (let group = 0; group < 3; group++) {
      for (let at = 0; this.tensors.has(`group${group}.block${at}.conv0`); at++) {
        const name = `group${group}.block${at}`;
        const stride = group > 0 && at === 0 ? 2 : 1;
        const o = this.#norm(y, `${name}.bn0`, training);
        const inner = this.#conv(o, `${name}.conv0`, { stride, padding: 1 });
        const z = this.#conv(this.#norm(inner, `${name}.bn1`, training), `${name}.conv1`, {
          stride: 1,
          padding: 1,
        });
        const shortcut = this.tensors.has(`${name}.convdim`)
          ? this.#conv(o, `${name}.convdim`, { stride, padding: 0 })
          : y;
        y = tf.add(z, shortcut);
      }
      taps.push(y);
    }
    const features = tf.mean<tf.Tensor2D>(this.#norm(y, "bn", training), [1, 2]);
    const weights = tf.squeeze<tf.Tensor2D>(this.#variable("fc.weight"), [0, 1]);
    return { logits: tf.add(tf.matMul(features, weights), this.#variable("fc.bias")), taps };
  }

  dispose(): void {
    for (const variable of this.tensors.values()) variable.dispose();
  }
}

/** The attention map of the original: the mean of squares over channels, at unit length. */
function attentionMap(x: tf.Tensor4D): tf.Tensor {
  const map = tf.reshape(tf.mean(tf.square(x), 3), [x.shape[0], -1]);
  return tf.div(map, tf.maximum(tf.norm(map, "euclidean", 1, true), 1e-12));
}

/** The step of attention transfer in TensorFlow.js, on the images and weights that ours starts from. */
export class TfjsTraining implements Disposable {
  private constructor(
    private readonly x: tf.Tensor4D,
    private readonly labels: tf.Tensor2D,
    private readonly student: TfjsNetwork,
    private readonly teacher: TfjsNetwork,
    private readonly optimiser: tf.Optimizer,
  ) {}

  static async open(gpu: Gpu, step: Step, { batch }: { batch: number }): Promise<TfjsTraining> {
    const { side, linear: [, classes] } = step.student;
    const set = randomImages({ batch, side, classes });
    const store = storeImages(gpu, { images: set.train, set });
    const order = gpu.tensor(Array.from({ length: batch }, (_, at) => at), [batch], {
      dtype: "u32",
    });
    using values = new StepValues(gpu, ["start", "epoch"]);
    values.upload();
    const { x } = imageBatch(store, {
      batch,
      order,
      start: values.at("start"),
      epoch: values.at("epoch"),
      seed: 0,
      padding: 0,
      flips: false,
    });
    const images = tf.tensor4d(await x.read(), [batch, side, side, 3]);
    freeImages(store);
    const labels = tf.oneHot(tf.tensor1d([...set.train.labels], "int32"), classes);
    if (step.makeTeacher === null) throw new Error("Cannot transfer: the step has no teacher");
    using student = step.makeStudent(gpu);
    using teacher = step.makeTeacher(gpu);
    return new TfjsTraining(
      images,
      labels.toFloat().as2D(batch, classes),
      await TfjsNetwork.copy(student),
      await TfjsNetwork.copy(teacher),
      tf.train.momentum(RATE, MOMENTUM),
    );
  }

  #loss(): tf.Scalar {
    const taught = this.teacher.apply(this.x, { training: false });
    const { logits, taps } = this.student.apply(this.x, { training: true });
    const entropy = tf.losses.softmaxCrossEntropy(this.labels, logits);
    const attention = taps.map((tap, at) => {
      const other = taught.taps[at];
      if (other === undefined) throw new Error("Cannot transfer: the teacher has fewer groups");
      return tf.mean(tf.squaredDifference(attentionMap(tap), attentionMap(other)));
    });
    return tf.add(entropy, tf.mul(tf.addN(attention), BETA)).asScalar();
  }

  /** Queues a step. */
  start(): void {
    tf.tidy(() => {
      this.#step();
    });
  }

  /** Takes a step and gives its loss, as it was before. */
  async step(): Promise<number> {
    const loss = tf.tidy(() => this.#step());
    const [value = NaN] = await loss.data();
    loss.dispose();
    return value;
  }

  #step(): tf.Scalar {
    const { value, grads } = tf.variableGrads(() => this.#loss(), this.student.trainable);
    const decayed = this.student.trainable.map((variable) => {
      const gradient = grads[variable.name];
      if (gradient === undefined) throw new Error(`Cannot step: ${variable.name} has no gradient`);
      return [variable.name, tf.add(gradient, tf.mul(variable, DECAY))] as const;
    });
    this.optimiser.applyGradients(Object.fromEntries(decayed));
    return value;
  }

  [Symbol.dispose](): void {
    this.student.dispose();
    this.teacher.dispose();
    for (const held of [this.x, this.labels, this.optimiser]) held.dispose();
  }
}
