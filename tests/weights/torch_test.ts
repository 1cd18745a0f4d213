import assert from "node:assert/strict";
import type { FileTensor } from "../../lib/weights/file_tensor.ts";
import { readWeights } from "../../lib/weights/read_weights.ts";
import { findPython } from "../support/python.ts";
import { assertSameTensors } from "../support/same_tensors.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { WEIGHTS } from "../support/weight_files.ts";

async function network(names: (name: string) => boolean = () => true) {
  const { tensors } = await readWeights(`${WEIGHTS}network.npz`);
  return new Map([...tensors].filter(([name]) => names(name)));
}

for (const format of ["", "-old"]) {
  Deno.test(`readWeights: a checkpoint of the original${format}, with and without stats`, async () => {
    const bare = await readWeights(`${WEIGHTS}bare${format}.pt7`);
    assert.deepEqual([bare.format, bare.metadata], ["PyTorch", { epoch: "7" }]);
    assertSameTensors(bare.tensors, await network((name) => !name.includes("running")));
    const { tensors } = await readWeights(`${WEIGHTS}stats${format}.pt7`);
    assertSameTensors(tensors, await network());
  });

  Deno.test(`readWeights: of a student and its teacher${format} the student is taken`, async () => {
    const { tensors, metadata } = await readWeights(`${WEIGHTS}pair${format}.pt7`);
    assert.deepEqual(metadata, { epoch: "7", left: "4 tensors beside student.*" });
    assertSameTensors(tensors, await network());
  });

  Deno.test(`readWeights: strides, shared storages, types and NumPy's arrays${format}`, async () => {
    const { tensors } = await readWeights(`${WEIGHTS}odd${format}.pt7`);
    const { tensors: wanted } = await readWeights(`${WEIGHTS}odd.npz`);
    const bfloat: FileTensor = { dtype: "BF16", shape: [1], data: new Uint8Array([0xc0, 0x3f]) };
    assertSameTensors(tensors, new Map([...wanted, ["bfloat", bfloat]]));
  });
}

const python = await findPython(["torch", "numpy"]);

Deno.test({
  name: `readWeights: what this machine's PyTorch saves${python.note}`,
  ignore: python.ignore,
  async fn() {
    await using folder = await tempFolder();
    await python.run(
      `
import torch, numpy as np, sys
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)
net = torch.nn.DataParallel(Net())
np.savez(sys.argv[1] + "/net.npz", **{k[7:]: v.numpy() for k, v in net.state_dict().items()})
torch.save(net.state_dict(), sys.argv[1] + "/new.pth")
torch.save({"state_dict": net.state_dict(), "epoch": 3}, sys.argv[1] + "/old.pth", _use_new_zipfile_serialization=False)
torch.save(net, sys.argv[1] + "/module.pth")
`,
      [folder.path],
    );
    const { tensors } = await readWeights(`${folder.path}/net.npz`);
    for (const name of ["new", "old"]) {
      assertSameTensors((await readWeights(`${folder.path}/${name}.pth`)).tensors, tensors);
    }
    await assert.rejects(
      readWeights(`${folder.path}/module.pth`),
      /asks for torch\.nn\.parallel\.data_parallel\.DataParallel; only tensors/,
    );
  },
});
