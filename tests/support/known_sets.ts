import { join } from "node:path";
import { drawJpeg } from "./pictures.ts";

/** How many images a drawn set has of each class. */
export interface SetSize {
  readonly classes: number;
  readonly train: number;
  readonly test: number;
}

/** Draws a small CUB-200-2011 in its own layout; each bird's box leaves 10 columns and 5 or 3 rows at the edges. */
export async function drawCub(root: string, { classes, train, test }: SetSize): Promise<void> {
  const [names, files, labels, splits, boxes]: string[][] = [[], [], [], [], []];
  let image = 0;
  for (let label = 1; label <= classes; label++) {
    const name = `00${label}.Bird_${label}`;
    await Deno.mkdir(join(root, "images", name), { recursive: true });
    names?.push(`${label} ${name}`);
    for (let at = 0; at < train + test; at++) {
      image++;
      const [width, height] = [60 + image * 7 % 40, 50 + image * 11 % 30];
      const file = `${name}/Bird_${label}_000${at}_${796000 + image}.jpg`;
      const jpeg = await drawJpeg({ width, height, seed: image });
      await Deno.writeFile(join(root, "images", file), jpeg);
      files?.push(`${image} ${file}`);
      labels?.push(`${image} ${label}`);
      splits?.push(`${image} ${at < train ? 1 : 0}`);
      boxes?.push(`${image} 10.0 5.0 ${width - 20}.0 ${height - 8}.0`);
    }
  }
  await writeLists(root, {
    "classes.txt": names,
    "images.txt": files,
    "image_class_labels.txt": labels,
    "train_test_split.txt": splits,
    "bounding_boxes.txt": boxes,
  });
}

/** Draws a small MIT Indoor 67 in its own layout; the classes of the lists are not in the order of their names. */
export async function drawScenes(root: string, { classes, train, test }: SetSize): Promise<void> {
  const [trained, tested]: string[][] = [[], []];
  let seed = 1;
  for (let label = classes - 1; label >= 0; label--) {
    const name = `scene_${label}`;
    await Deno.mkdir(join(root, "Images", name), { recursive: true });
    for (let at = 0; at < train + test; at++) {
      const size = { width: 40 + seed * 13 % 50, height: 36 + seed * 7 % 60, seed: seed++ };
      const file = `${name}/photo ${at}.jpg`;
      await Deno.writeFile(join(root, "Images", file), await drawJpeg(size));
      (at < train ? trained : tested)?.push(file);
    }
  }
  await writeLists(root, { "TrainImages.txt": trained, "TestImages.txt": tested });
}

async function writeLists(
  root: string,
  lists: Readonly<Record<string, readonly string[] | undefined>>,
): Promise<void> {
  for (const [name, lines = []] of Object.entries(lists)) {
    await Deno.writeTextFile(join(root, name), lines.join("\n"));
  }
}
