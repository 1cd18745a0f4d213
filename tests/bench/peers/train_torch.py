#!/usr/bin/env python3
"""Trains as `deno task cifar` does, in PyTorch, so that what both learn can be set side by side.

The network is peer_torch.py's, initialised as the original does; reflected padding of 4, flip and crop
are drawn from --seed by PyTorch's own generator. Runs on CUDA where it is there, in float32 without
TF32. Prints one JSON line per epoch: mean training loss (cross-entropy plus attention transfer),
training accuracy, test loss and test accuracy.

  python3 train_torch.py --dataroot D --train_images 10000 --epochs 3 --epoch_step [2] --seed 0
  python3 train_torch.py ... --teacher logs/teacher/model.safetensors --beta 1000
"""
import argparse
import json
import struct
import time

import numpy as np
import torch
import torch.nn.functional as F

from peer_torch import WideResNet, attention

MEAN = torch.tensor([125.3, 123.0, 113.9]).view(1, 3, 1, 1)
STD = torch.tensor([63.0, 62.1, 66.7]).view(1, 3, 1, 1)


def read_records(folder, names):
    records = np.concatenate([np.fromfile(f"{folder}/cifar-10-batches-bin/{name}.bin", np.uint8) for name in names])
    records = records.reshape(-1, 3073)
    return torch.from_numpy(records[:, 1:].reshape(-1, 3, 32, 32).copy()), torch.from_numpy(records[:, 0].astype(np.int64))


def load_safetensors(network, path):
    """Reads a file of ours into a network of peer_torch.py, every tensor of both."""
    data = open(path, "rb").read()
    size, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + begin:8 + size + end], np.float32).reshape(entry["shape"]).copy()
        target = network.buffers if name in network.buffers else network.params
        assert tuple(target[name].shape) == values.shape, name
        target[name] = torch.from_numpy(values).to(network.device)
    assert len(header) == len(network.params) + len(network.buffers)


def augment(x):
    """Reflected padding of 4, a flip of every second image, a crop of 32x32: drawn for each image."""
    x = F.pad(x, (4, 4, 4, 4), mode="reflect")
    flips = torch.rand(len(x)) < 0.5
    x[flips] = x[flips].flip(3)
    tops, lefts = torch.randint(0, 9, (2, len(x))).tolist()
    return torch.stack([image[:, t:t + 32, l:l + 32] for image, t, l in zip(x, tops, lefts)])


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--dataroot", default=".")
    ap.add_argument("--train_images", type=int, default=50000)
    ap.add_argument("--depth", type=int, default=16)
    ap.add_argument("--width", type=float, default=1)
    ap.add_argument("--teacher", default="", help="a model.safetensors of WRN-16-2")
    ap.add_argument("--beta", type=float, default=0)
    ap.add_argument("--batch_size", type=int, default=128)
    ap.add_argument("--lr", type=float, default=0.1)
    ap.add_argument("--epochs", type=int, default=3)
    ap.add_argument("--epoch_step", type=json.loads, default=[])
    ap.add_argument("--seed", type=int, default=0)
    ap.add_argument("--threads", type=int, default=2)
    o = ap.parse_args()

    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    torch.manual_seed(o.seed)
    torch.set_num_threads(o.threads)
    images, labels = read_records(o.dataroot, [f"data_batch_{k}" for k in range(1, 6)])
    images, labels = images[:o.train_images], labels[:o.train_images]
    test_images, test_labels = read_records(o.dataroot, ["test_batch"])
    student = WideResNet(o.depth, o.width, 10, device)
    parameters = student.trainable()
    teacher = None
    if o.teacher:
        teacher = WideResNet(16, 2, 10, device)
        load_safetensors(teacher, o.teacher)

    lr = o.lr
    make = lambda: torch.optim.SGD(parameters, lr, momentum=0.9, weight_decay=5e-4)
    optimizer = make()
    for epoch in range(1, o.epochs + 1):
        start = time.perf_counter()
        if epoch in o.epoch_step:
            lr *= 0.2
            optimizer = make()  # as the original does: the momentum begins anew
        losses, correct = [], 0
        for batch in torch.randperm(len(images)).split(o.batch_size):
            x, wanted = ((augment(images[batch].float()) - MEAN) / STD).to(device), labels[batch].to(device)
            y, taps = student(x, True)
            loss = F.cross_entropy(y, wanted)
            if teacher is not None:
                with torch.no_grad():
                    _, theirs = teacher(x, False)
                loss = loss + o.beta * sum((attention(s) - attention(t)).pow(2).mean() for s, t in zip(taps, theirs))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            correct += (y.argmax(1) == wanted).sum().item()
        with torch.no_grad():
            outputs = torch.cat([student(((x.float() - MEAN) / STD).to(device), False)[0].cpu() for x in test_images.split(500)])
        print(json.dumps({
            "peer": "torch " + torch.__version__, "device": device, "seed": o.seed, "beta": o.beta, "epoch": epoch,
            "train_loss": sum(losses) / len(losses), "train_acc": 100 * correct / len(images),
            "test_loss": F.cross_entropy(outputs, test_labels).item(),
            "test_acc": 100 * (outputs.argmax(1) == test_labels).float().mean().item(),
            "seconds": round(time.perf_counter() - start, 1)}), flush=True)


if __name__ == "__main__":
    main()
