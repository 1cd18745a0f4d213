"""Times a loader as PyTorch users have it: PIL in processes, RandomResizedCrop and flip, batches in shared memory.

Prints one JSON line: {"images_per_second": ...}. Needs PIL alone.
"""

import argparse
import glob
import json
import math
import multiprocessing
import os
import random
import time
from multiprocessing import shared_memory

from PIL import Image


def random_resized_crop(width, height):
    """torchvision's RandomResizedCrop.get_params with its defaults: left, top, right, bottom."""
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            return left, top, left + w, top + h
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    return left, top, left + side, top + side


def load(path, size):
    with open(path, "rb") as file:
        image = Image.open(file).convert("RGB")
    crop = image.crop(random_resized_crop(*image.size))
    image = crop.resize((size, size), Image.BILINEAR)
    if random.random() < 0.5:
        image = image.transpose(Image.FLIP_LEFT_RIGHT)
    return image.tobytes()


def work(tasks, done, size):
    while (task := tasks.get()) is not None:
        name, paths = task
        memory = shared_memory.SharedMemory(name=name)
        for at, path in enumerate(paths):
            bytes_of_image = load(path, size)
            start = at * len(bytes_of_image)
            memory.buf[start : start + len(bytes_of_image)] = bytes_of_image
        memory.close()
        done.put((name, len(paths)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", required=True, help="a folder of class folders")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    files = sorted(glob.glob(os.path.join(args.folder, "*", "*")))
    tasks, done = multiprocessing.Queue(), multiprocessing.Queue()
    workers = [
        multiprocessing.Process(target=work, args=(tasks, done, args.size)) for _ in range(args.workers)
    ]
    slots = [
        shared_memory.SharedMemory(create=True, size=args.batch * args.size**2 * 3)
        for _ in range(2 * args.workers)
    ]
    for worker in workers:
        worker.start()

    def ask(name):
        tasks.put((name, [random.choice(files) for _ in range(args.batch)]))

    def run(images):
        began, finished = time.perf_counter(), 0
        while finished < images:
            name, count = done.get()
            finished += count
            ask(name)
        return finished / (time.perf_counter() - began)

    for slot in slots:
        ask(slot.name)
    run(args.batch * len(slots))
    print(json.dumps({"images_per_second": run(args.images)}))
    for worker in workers:
        worker.terminate()
    for slot in slots:
        slot.close()
        slot.unlink()


if __name__ == "__main__":
    main()
