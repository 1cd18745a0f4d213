#!/usr/bin/env python3
"""What data-parallel training comes to in float64 where batch normalisation has each rank's own statistics.

Writes ranks.json (losses of 20 steps) and <run>.safetensors (the parameters after them, as float32). A batch is cut as
Pupil cuts it; its loss and gradients are those of the whole batch, which is what the weighed sums of the ranks are.
With one rank it must give the float64 losses of ../traj, which is checked first.

  python3 tests/oracle/ranks/ranks.py        PyTorch 1.13 or later
"""
import json
import os
import struct
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = os.path.dirname(os.path.abspath(__file__))
TRAJ, ROOT = os.path.join(HERE, "..", "traj"), os.path.join(HERE, "..", "..", "..")
sys.path.insert(0, os.path.join(ROOT, "tests", "bench", "peers"))
import peer_torch  # noqa: E402

BATCH, STEPS, COUNT = 32, 20, 500
MEAN, STD = np.array([125.3, 123.0, 113.9]), np.array([63.0, 62.1, 66.7])


def load(path):
    data = open(path, "rb").read()
    size = struct.unpack("<Q", data[:8])[0]
    head = json.loads(data[8:8 + size])
    head.pop("__metadata__", None)
    return {name: torch.tensor(np.frombuffer(
        data, np.float32, int(np.prod(e["shape"])), 8 + size + e["data_offsets"][0]).reshape(e["shape"]).astype(np.float64))
        for name, e in head.items()}


def save(path, tensors):
    head, blobs, at = {}, [], 0
    for name, tensor in tensors.items():
        blob = tensor.detach().numpy().astype(np.float32).tobytes()
        head[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(head, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def records(mini):
    parts = [np.fromfile(os.path.join(mini, f"data_batch_{at}.bin"), np.uint8).reshape(-1, 3073) for at in range(1, 6)]
    rows = np.concatenate(parts)
    pixels = rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32)
    mean, std = (MEAN / 255).astype(np.float32), (STD / 255).astype(np.float32)
    x = (pixels / np.float32(255) - mean[:, None, None]) / std[:, None, None]
    return torch.tensor(x.astype(np.float64)), torch.tensor(rows[:, 0].astype(np.int64))


class Ranks(peer_torch.WideResNet):
    """A network that normalises each rank's part of a batch by itself; rank 0's running statistics stay."""

    def __init__(self, tensors, width, ranks):
        super().__init__(16, width, 10, "cpu")
        self.ranks = ranks
        self.params = {name: tensors[name].clone() for name in self.params}
        self.buffers = {name: tensors[name].clone() for name in self.buffers}

    def norm(self, x, name, train):
        if not train:
            return super().norm(x, name, train)
        cuts = [len(x) * rank // self.ranks for rank in range(self.ranks + 1)]
        mean, variance = self.buffers[name + ".running_mean"], self.buffers[name + ".running_var"]
        parts = []
        for rank, (first, end) in enumerate(zip(cuts, cuts[1:])):
            own = (mean, variance) if rank == 0 else (mean.clone(), variance.clone())
            parts.append(F.batch_norm(x[first:end], *own, self.params[name + ".weight"], self.params[name + ".bias"], True))
        return torch.cat(parts)


def attention(x):
    return F.normalize(x.pow(2).mean(1).view(x.size(0), -1))


def train(run, ranks):
    facts = json.load(open(os.path.join(TRAJ, f"{run}.json")))
    student = Ranks(load(os.path.join(TRAJ, "student_init.safetensors")), 1, ranks)
    teacher = Ranks(load(os.path.join(TRAJ, "teacher.safetensors")), 2, 1)
    x, labels = records(os.environ.get("MINI", os.path.join(ROOT, "tests", "fixtures", "cifar10-mini", "cifar-10-batches-bin")))
    weights = student.trainable()
    optimizer = torch.optim.SGD(weights, facts["lr"], momentum=0.9, weight_decay=5e-4)
    alpha, beta, t = facts["alpha"], facts["beta"], facts["temperature"]
    losses = []
    for step in range(STEPS):
        at = [(step * BATCH + place) % COUNT for place in range(BATCH)]
        logits, taps = student(x[at], True)
        with torch.no_grad():
            taught, goals = teacher(x[at], False)
        loss = F.cross_entropy(logits, labels[at]) * (1 - alpha)
        if alpha > 0:
            soft = F.kl_div(F.log_softmax(logits / t, 1), F.softmax(taught / t, 1), reduction="sum")
            loss = loss + alpha * soft * t * t / BATCH
        if beta > 0:
            loss = loss + beta * sum((attention(a) - attention(b)).pow(2).mean() for a, b in zip(taps, goals))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return facts, losses, {**student.params, **student.buffers}


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    found = {}
    for run in ["at_lr0.001", "kd_lr0.01"]:
        facts, alone, _ = train(run, 1)
        off = max(abs(loss - step["loss_f64"]) / loss for loss, step in zip(alone, facts["steps"]))
        print(run, "one rank, furthest from ../traj:", off)
        assert off < 1e-6, off
        _, found[run], final = train(run, 2)
        save(os.path.join(HERE, f"{run}.safetensors"), final)
    json.dump({"ranks": 2, "losses": found}, open(os.path.join(HERE, "ranks.json"), "w"), indent=1)
