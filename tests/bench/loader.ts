import { join } from "node:path";
import {
  DecodePool,
  type ImageList,
  ImageLoader,
  openImages,
  packImages,
  summarise,
  type Summary,
} from "../../mod.ts";
import { drawDetailedJpeg } from "../support/pictures.ts";
import { alignColumns, digits } from "./table.ts";

/** What the loader's benchmark is asked to do. */
export interface LoaderBenchOptions {
  /** Rounds in which PIL, folder and pack take turns. */
  readonly samples: number;
  /** Whether short measurements have to do. */
  readonly quick: boolean;
  /** Whether standard output gets JSON in place of the table. */
  readonly json: boolean;
}

const [WIDTH, HEIGHT, SIZE, BATCH, WORKERS] = [500, 375, 224, 64, 2];
const CLASSES = 4;
const IMAGES_A_CLASS = 64;
const PEER = new URL("./peers/peer_pil.py", import.meta.url).pathname;

/**
 * Times the image loader, from JPEG folders and from raw shards, in turns with PIL in two processes, on drawn JPEG
 * files of 500x375; then watches the memory over many images.
 *
 * @returns The exit code: 1 where PIL could not be timed.
 */
export async function runLoaderBench(options: LoaderBenchOptions): Promise<number> {
  const { samples, quick } = options;
  const [images, watched] = quick ? [512, 2048] : [2048, 20_480];
  const place = await Deno.makeTempDir({ prefix: "pupil-bench-" });
  const [root, out] = [join(place, "images"), join(place, "raw")];
  try {
    await drawFolders(root);
    const folder = await openImages(root);
    await packImages(folder, { out, raw: true, workers: WORKERS });
    const raw = await openImages(out);
    const python = await findPython();
    const memory = await watchMemory(folder.train, watched);
    const rates: { pil: number; jpeg: number; raw: number }[] = [];
    for (let sample = 0; sample < samples; sample++) {
      const pil = python === null ? NaN : await peerRate(python, { root, images });
      rates.push({
        pil,
        jpeg: await rateOf(folder.train, { images }),
        raw: await rateOf(raw.train, { images: 4 * images }),
      });
    }
    const of = (value: (rate: typeof rates[number]) => number) => summarise(rates.map(value));
    const result = {
      kind: "loader",
      workers: WORKERS,
      pil: of(({ pil }) => pil),
      jpeg: of(({ jpeg }) => jpeg),
      raw: of(({ raw }) => raw),
      jpeg_to_pil: of(({ jpeg, pil }) => jpeg / pil),
      raw_to_pil: of(({ raw, pil }) => raw / pil),
      memory,
    };
    if (options.json) console.log(JSON.stringify(result));
    else print(result, python !== null);
    return python === null ? 1 : 0;
  } finally {
    await Deno.remove(place, { recursive: true });
  }
}

async function drawFolders(root: string): Promise<void> {
  for (const [split, images] of [["train", IMAGES_A_CLASS], ["val", 1]] as const) {
    for (let label = 0; label < CLASSES; label++) {
      const folder = join(root, split, `class${label}`);
      await Deno.mkdir(folder, { recursive: true });
      for (let at = 0; at < images; at++) {
        const seed = label * images + at;
        const bytes = await drawDetailedJpeg({ width: WIDTH, height: HEIGHT, seed });
        await Deno.writeFile(join(folder, `${at}.JPEG`), bytes);
      }
    }
  }
}

/** The first Python that has PIL. */
async function findPython(): Promise<string | null> {
  for (const python of ["python3", "/usr/bin/python3"]) {
    try {
      const command = new Deno.Command(python, { args: ["-c", "import PIL"], stderr: "null" });
      if ((await command.output()).success) return python;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return null;
}

async function peerRate(
  python: string,
  { root, images }: { root: string; images: number },
): Promise<number> {
  const sizes = ["--images", images, "--batch", BATCH, "--size", SIZE, "--workers", WORKERS];
  const args = [PEER, "--folder", join(root, "train"), ...sizes.map(String)];
  const { success, stdout } = await new Deno.Command(python, { args, stderr: "inherit" }).output();
  const answer: unknown = success ? JSON.parse(new TextDecoder().decode(stdout)) : null;
  const rate: unknown = answer instanceof Object ? Reflect.get(answer, "images_per_second") : null;
  if (typeof rate !== "number") throw new Error(`Cannot time PIL: wanted a rate, found ${answer}`);
  return rate;
}

const settings = { size: SIZE, batchSize: BATCH, training: true };

/** Images a second, once the queue is full. */
async function rateOf(list: ImageList, { images }: { images: number }): Promise<number> {
  using pool = new DecodePool({ workers: WORKERS });
  await using loader = new ImageLoader(list, { pool, ...settings });
  const warm = 8;
  let [began, loaded] = [0, 0];
  for (let step = 0; loaded < images; step++) {
    const batch = await loader.take(step);
    batch.release();
    if (step === warm) began = performance.now();
    if (step > warm) loaded += batch.images;
  }
  return 1000 * loaded / (performance.now() - began);
}

/** The resident memory in MB, at tenths of the way. */
async function watchMemory(list: ImageList, images: number): Promise<number[]> {
  using pool = new DecodePool({ workers: WORKERS });
  await using loader = new ImageLoader(list, { pool, ...settings });
  const steps = Math.ceil(images / BATCH);
  const seen: number[] = [];
  for (let step = 0; step < steps; step++) {
    (await loader.take(step)).release();
    if ((step + 1) % Math.floor(steps / 10) === 0) {
      seen.push(Math.round(Deno.memoryUsage().rss / 1e6));
    }
  }
  return seen;
}

interface Result {
  readonly pil: Summary;
  readonly jpeg: Summary;
  readonly raw: Summary;
  readonly jpeg_to_pil: Summary;
  readonly raw_to_pil: Summary;
  readonly memory: readonly number[];
}

function print(result: Result, hasPeer: boolean): void {
  const cells = ({ median, low, high }: Summary) => [
    digits(median),
    `${digits(low)}-${digits(high)}`,
  ];
  const none = ["-", "-"];
  const rows = [
    ["", "images/s", "quartiles", "to PIL", "quartiles"],
    ["PIL, two processes", ...(hasPeer ? cells(result.pil) : none), ...none],
    ["ours, JPEG folder", ...cells(result.jpeg), ...(hasPeer ? cells(result.jpeg_to_pil) : none)],
    ["ours, raw shards", ...cells(result.raw), ...(hasPeer ? cells(result.raw_to_pil) : none)],
  ];
  console.log(`RandomResizedCrop(${SIZE}) and flip of ${WIDTH}x${HEIGHT}, ${WORKERS} workers`);
  console.log(alignColumns(rows).join("\n"));
  console.log(`resident memory on the way, MB: ${result.memory.join(" ")}`);
  if (!hasPeer) console.log("PIL was not timed: no python3 with PIL was found");
}
