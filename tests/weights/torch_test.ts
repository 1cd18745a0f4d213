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
    const { tensors, metadata, notes } = await readWeights(`${WEIGHTS}pair${format}.pt7`);
    assert.deepEqual(metadata, { epoch: "7" });
    assert.deepEqual(notes, [
      "took params and stats, left out optimizer, epoch",
      "took student.*, left out 4 beside it",
    ]);
    assertSameTensors(tensors, await network());
  });

  Deno.test(`readWeights: strides, shared storages, types and NumPy's arrays${format}`, async () => {
    const { tensors } = await readWeights(`${WEIGHTS}odd${format}.pt7`);
    const { tensors: wanted } = await readWeights(`${WEIGHTS}odd.npz`);
    const bfloat: FileTensor = { dtype: "BF16", shape: [1], data: new Uint8Array([0xc0, 0x3f]) };
    assertSameTensors(tensors, new Map([...wanted, ["bfloat", bfloat]]));
  });
}

for (const file of ["2.pt7", "5.pt7", "2-old.pt7", "5-old.pt7", "2.pkl", "5.pkl"]) {
  Deno.test(`readWeights: a network beside objects of every sort, objects${file}`, async () => {
    const { tensors, notes } = await readWeights(`${WEIGHTS}objects${file}`);
    assertSameTensors(tensors, await network((name) => !name.includes("running")));
    assert.match(notes.join(), /^took model, left out .*args, date, slots/);
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
import argparse, collections, datetime, enum, functools, pathlib, pickle
import torch, numpy as np, sys
class Colour(enum.Enum):
    RED = 1
class Config(dict):
    def __init__(self):
        self.lr, self.me = 0.1, self
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn = torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)
net = torch.nn.DataParallel(Net())
np.savez(sys.argv[1] + "/net.npz", **{k: v.numpy() for k, v in net.state_dict().items()})
torch.save(net.state_dict(), sys.argv[1] + "/new.pth")
torch.save({"state_dict": net.state_dict(), "epoch": 3}, sys.argv[1] + "/old.pth", _use_new_zipfile_serialization=False)
torch.save(net, sys.argv[1] + "/module.pth")
torch.save(net, sys.argv[1] + "/module-old.pth", _use_new_zipfile_serialization=False)
optimizer = torch.optim.SGD(net.parameters(), 0.1, momentum=0.9)
torch.save({"model": net, "optimizer": optimizer.state_dict()}, sys.argv[1] + "/inside.pth")
scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
itself = [1]
itself.append(itself)
args = argparse.Namespace(data=pathlib.Path("/data"), colour=Colour.RED, config=Config(), loss=torch.nn.ReLU())
plain = {
    "scheduler": scheduler.state_dict(), "date": datetime.datetime.now(), "zone": datetime.timezone.utc,
    "colour": Colour.RED, "path": pathlib.Path("a"), "config": Config(), "partial": functools.partial(print, 1, a=2),
    "default": collections.defaultdict(list, a=[1]), "count": collections.Counter("aab"), "queue": collections.deque([1]),
    "set": {1, 2}, "frozen": frozenset("a"), "itself": itself, "size": torch.Size([1]), "type": torch.complex64,
    "device": torch.device("cpu"), "best": np.float64(3), "text": np.array(["a", "bc"]), "object": np.array([None]),
    "day": np.datetime64("2020-01-01"), "complex": np.ones(2, "c8"), "record": np.zeros(2, [("a", "f4")]), "big": 2 ** 100,
    "random": np.random.get_state(), "function": np.mean, "range": range(3), "slice": slice(1), "z": 1j, "class": Config,
}
torches = {
    "args": args, "criterion": torch.nn.CrossEntropyLoss(), "complex": torch.ones(2, dtype=torch.complex64),
    "sparse": torch.eye(2).to_sparse(), "quantized": torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8),
}
for protocol in range(2, 6):
    saved = {"model": net.state_dict(), "optimizer": optimizer.state_dict(), **plain, **torches}
    torch.save(saved, f"{sys.argv[1]}/zip{protocol}.pth", pickle_protocol=protocol)
    torch.save(saved, f"{sys.argv[1]}/legacy{protocol}.pth", pickle_protocol=protocol, _use_new_zipfile_serialization=False)
    with open(f"{sys.argv[1]}/plain{protocol}.pth", "wb") as file:
        arrays = {k: v.numpy() for k, v in net.state_dict().items()}
        pickle.dump({"model": arrays, "optimizer": {}, **plain}, file, protocol=protocol)
`,
      [folder.path],
    );
    const { tensors } = await readWeights(`${folder.path}/net.npz`);
    const names = [
      "new",
      "old",
      ...[2, 3, 4, 5].flatMap((p) => [`zip${p}`, `legacy${p}`, `plain${p}`]),
    ];
    for (const name of names) {
      const { tensors: found, notes } = await readWeights(`${folder.path}/${name}.pth`);
      assertSameTensors(found, tensors);
      if (name.length > 3) assert.match(notes.join(), /^took model, left out optimizer, /, name);
    }
    for (const name of ["module", "module-old", "inside"]) {
      await assert.rejects(
        readWeights(`${folder.path}/${name}.pth`),
        /found a whole pickled network, torch\.nn\.parallel\.data_parallel\.DataParallel, whose code is not run; save it/,
      );
    }
  },
});
