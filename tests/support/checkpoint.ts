import { Buffer } from "node:buffer";
import type { FileTensor } from "../../lib/weights/file_tensor.ts";
import type { NamedTensors } from "../../lib/weights/parameter_set.ts";
import { formatZip } from "../../lib/weights/zip.ts";

/** Writes a PyTorch checkpoint: a dict of state dicts, such as `state_dict` and `model_ema`, of float32. */
export async function writeCheckpoint(
  path: string,
  parts: Readonly<Record<string, NamedTensors>>,
): Promise<void> {
  const storages: Uint8Array[] = [];
  const pickled = Object.entries(parts).map(([part, tensors]) => {
    const entries = Array.from(tensors, ([name, tensor]) => {
      storages.push(tensor.data);
      return text(name) + tensorOf(tensor, storages.length - 1);
    });
    return `${text(part)}}(${entries.join("")}u`;
  });
  await Deno.writeFile(
    path,
    formatZip([
      ["archive/data.pkl", Buffer.from(`\x80\x02}(${pickled.join("")}u.`, "latin1")],
      ...storages.map((bytes, key) => [`archive/data/${key}`, bytes] as const),
    ]),
  );
}

/** The call that rebuilds a tensor of the storage of this key. */
function tensorOf({ shape, data }: FileTensor, key: number): string {
  const strides = shape.map((_, at) => shape.slice(at + 1).reduce((a, b) => a * b, 1));
  const storage = `(${text("storage")}ctorch\nFloatStorage\n${text(String(key))}${text("cpu")}${
    whole(data.length / 4)
  }tQ`;
  return `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${whole(0)}${tuple(shape)}${
    tuple(strides)
  }\x89NtR`;
}

function tuple(values: readonly number[]): string {
  return `(${values.map(whole).join("")}t`;
}

function text(value: string): string {
  return `X${bytesOf(value.length)}${value}`;
}

function whole(value: number): string {
  return `J${bytesOf(value)}`;
}

/** Four bytes, little endian, as latin1. */
function bytesOf(value: number): string {
  return Buffer.from(Uint32Array.of(value).buffer).toString("latin1");
}
