/** What other trainers call a setting, its letters and digits alone. */
const SYNONYMS: ReadonlyMap<string, readonly string[]> = new Map(
  Object.entries({
    lr: "learningrate baselr initlr",
    weight_decay: "wd decay l2",
    nesterov: "momentum optimizer opt",
    batch_size: "b bs",
    epochs: "epoch",
    max_steps: "steps iters iterations maxiters",
    epoch_step: "milestones schedule lrsteps lrschedule",
    lr_decay_ratio: "gamma lrgamma lrdecay",
    save: "o out output outputdir outdir modeldir checkpointdir expname",
    logs: "logdir",
    init: "pretrained weights checkpoint ckpt",
    student: "pretrained weights checkpoint ckpt model arch",
    evaluate: "e eval evalonly test testonly",
    teacher: "modelt patht",
    dataroot: "data datadir datapath root",
    imagenetpath: "data datadir datapath dataroot dataset root traindir",
    data: "dataroot dataset imagenetpath root traindir",
    model: "a arch network backbone",
    depth: "a arch",
    width: "widenfactor",
    nthread: "j workers numworkers threads",
    ngpu: "gpus numgpus nprocpernode",
    gpu_id: "gpu device",
    dtype: "amp fp16 half bf16 precision",
    image_size: "imgsize imgsz inputsize cropsize",
    accumulate: "accumulationsteps gradientaccumulationsteps accumsteps",
    log_every: "p printfreq loginterval",
    temperature: "t temp kdt",
  }).map(([word, synonyms]) => [plainWord(word), synonyms.split(" ")]),
);

/**
 * Sorts words by how near they are to a word that was not found, nearest first.
 *
 * Case, dashes and underscores do not count. First comes the same word, then what other trainers call by it
 * (`learning_rate` is `lr`), then what contains it or is a part of it, then what it has to be edited into.
 *
 * @param word What was found.
 * @param candidates What would have been right.
 * @returns The candidates, nearest first; equally near ones keep their order.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 *
 * assert.equal(nearestWords("batchSize", ["epochs", "batch_size"])[0], "batch_size");
 * assert.equal(nearestWords("learning_rate", ["alpha_decay", "lr"])[0], "lr");
 * ```
 */
export function nearestWords(word: string, candidates: Iterable<string>): string[] {
  const plain = plainWord(word);
  return Array.from(candidates, (candidate) => ({ candidate, far: far(plain, candidate) }))
    .sort((a, b) => a.far - b.far)
    .map(({ candidate }) => candidate);
}

function far(plain: string, candidate: string): number {
  const other = plainWord(candidate);
  if (plain === other) return 0;
  if (SYNONYMS.get(other)?.includes(plain)) return 0.25;
  if (plain.length > 2 && other.includes(plain)) return 0.5;
  if (other.length > 2 && plain.includes(other)) return 0.75;
  return editDistance(plain, other);
}

function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "");
}

function editDistance(a: string, b: string): number {
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 0; row < a.length; row++) {
    const line = [row + 1];
    for (let column = 0; column < b.length; column++) {
      const replaced = (above[column] ?? 0) + (a[row] === b[column] ? 0 : 1);
      const inserted = (line[column] ?? 0) + 1;
      const removed = (above[column + 1] ?? 0) + 1;
      line.push(Math.min(replaced, inserted, removed));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
