import type { Gpu } from "../../lib/gpu/device.ts";
import type { Tensor } from "../../lib/gpu/tensor.ts";
import { gradients } from "../../lib/gradients.ts";
import { add } from "../../lib/ops/add.ts";
import { attentionMap } from "../../lib/ops/attention_map.ts";
import { avgPool2d } from "../../lib/ops/avg_pool2d.ts";
import { batchNorm } from "../../lib/ops/batch_norm.ts";
import { conv2d } from "../../lib/ops/conv2d.ts";
import { crossEntropy } from "../../lib/ops/cross_entropy.ts";
import { distillation } from "../../lib/ops/distillation.ts";
import { linear } from "../../lib/ops/linear.ts";
import { maxPool2d } from "../../lib/ops/max_pool2d.ts";
import { meanSquaredDifference } from "../../lib/ops/mean_squared_difference.ts";
import { relu } from "../../lib/ops/relu.ts";
import { scale } from "../../lib/ops/scale.ts";
import { mean } from "../../lib/ops/sum.ts";
import { watch } from "../../lib/tape.ts";
import { assertClose } from "../support/assert_close.ts";
import { testGpu } from "../support/gpu.ts";
import { Oracle, type OracleCase, oracleCases, toleranceOf } from "../support/oracle.ts";

/** What a case computes: its outputs, and the inputs that PyTorch's gradients are named after. */
interface Computed {
  readonly outputs: Readonly<Record<string, Tensor>>;
  readonly inputs: Readonly<Record<string, Tensor>>;
}

const oracle = await Oracle.open("ops/ops.safetensors");

function compute(gpu: Gpu, at: OracleCase): Computed {
  const number = (name: string) => Number(at[name]);
  const read = (name: string) => watch(oracle.tensor(gpu, `${at.name}/in.${name}`));
  const labels = () => oracle.labelTensor(gpu, `${at.name}/in.labels`);
  const weights = () => watch(oracle.weightTensor(gpu, `${at.name}/in.w`));
  switch (at.op) {
    case "conv2d": {
      const [x, w] = [read("x"), weights()];
      const options = { stride: number("stride"), padding: number("padding") };
      if (at["bias"] !== true) return { outputs: { y: conv2d(x, w, options) }, inputs: { x, w } };
      const b = read("b");
      return { outputs: { y: conv2d(x, w, { ...options, bias: b }) }, inputs: { x, w, b } };
    }
    case "batch_norm": {
      const [x, weight, bias] = [read("x"), read("weight"), read("bias")];
      const [runningMean, runningVariance] = [read("running_mean"), read("running_var")];
      const y = batchNorm(x, {
        weight,
        bias,
        runningMean,
        runningVariance,
        training: at["training"] === true,
        momentum: number("momentum"),
        epsilon: number("eps"),
      });
      const running = { running_mean: runningMean, running_var: runningVariance };
      return {
        outputs: { y, ...(at["training"] === true ? running : {}) },
        inputs: { x, weight, bias },
      };
    }
    case "relu": {
      const x = read("x");
      return { outputs: { y: relu(x) }, inputs: { x } };
    }
    case "max_pool2d":
    case "avg_pool2d": {
      const x = read("x");
      const pool = at.op === "max_pool2d" ? maxPool2d : avgPool2d;
      const options = { stride: number("stride"), padding: number("padding") };
      return { outputs: { y: pool(x, number("kernel"), options) }, inputs: { x } };
    }
    case "linear": {
      const [x, w, b] = [read("x"), weights(), read("b")];
      return { outputs: { y: linear(x, w, { bias: b }) }, inputs: { x, w, b } };
    }
    case "cross_entropy": {
      const y = read("y");
      return { outputs: { loss: mean(crossEntropy(y, labels())) }, inputs: { y } };
    }
    case "distillation": {
      const [y, teacher] = [read("y"), read("teacher")];
      const [temperature, alpha] = [number("T"), number("alpha")];
      const soft = mean(distillation(y, teacher, { temperature }));
      const hard = mean(crossEntropy(y, labels()));
      return { outputs: { loss: add(scale(soft, alpha), scale(hard, 1 - alpha)) }, inputs: { y } };
    }
    case "at": {
      const x = read("x");
      return { outputs: { q: attentionMap(x) }, inputs: { x } };
    }
    case "at_loss": {
      const [x, y] = [read("x"), read("y")];
      const loss = meanSquaredDifference(attentionMap(x), attentionMap(y));
      return { outputs: { loss }, inputs: { x, y } };
    }
    default:
      throw new Error(`Cannot check ${at.name}: the op ${at.op} is not known here`);
  }
}

function check(
  at: OracleCase,
  { name, found, wanted }: { name: string; found: Float32Array; wanted: Float32Array },
) {
  assertClose(found, wanted, { atol: toleranceOf(at, name), what: `${at.name}/${name}` });
}

const elsewhere = new Set(["sgd", "wrn", "preprocess"]);

for (const at of await oracleCases()) {
  if (elsewhere.has(at.op)) continue;
  Deno.test(`ops: ${at.name} agrees with PyTorch, forward and gradients`, async () => {
    const gpu = await testGpu();
    const { outputs, inputs } = compute(gpu, at);
    for (const [name, tensor] of Object.entries(outputs)) {
      check(at, {
        name,
        found: await tensor.read(),
        wanted: oracle.values(`${at.name}/out.${name}`),
      });
    }
    const [y] = Object.values(outputs);
    if (y === undefined) throw new Error("Cannot check a case without outputs");
    const upstream = oracle.has(`${at.name}/upstream`)
      ? oracle.tensor(gpu, `${at.name}/upstream`)
      : gpu.constant(1);
    for (const differentiable of [false, true]) {
      if (differentiable && (at.op === "at" || at.op === "at_loss")) continue;
      const grads = gradients(y, Object.values(inputs), { upstream, differentiable });
      for (const [i, name] of Object.keys(inputs).entries()) {
        const key = `${at.name}/grad.${name}`;
        const wanted = name === "w" ? oracle.weights(key) : oracle.values(key);
        const found = await grads[i]?.read() ?? new Float32Array();
        check(at, { name: `grad.${name}`, found, wanted });
      }
    }
  });
}
