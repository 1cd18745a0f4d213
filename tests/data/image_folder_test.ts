import assert from "node:assert/strict";
import { join } from "node:path";
import { openImageFolder } from "../../data/image_folder.ts";
import { tempFolder } from "../support/temp_folder.ts";

async function folderOf(files: readonly string[]): ReturnType<typeof tempFolder> {
  const root = await tempFolder();
  for (const file of files) {
    const path = join(root.path, file);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    await Deno.writeTextFile(path, "");
  }
  return root;
}

const PLAIN = ["train/b/2.jpg", "train/b/10.JPEG", "train/a/x.png", "val/a/y.webp", "val/b/z.bmp"];

Deno.test("openImageFolder: classes and images in Python's order, other files left out", async () => {
  const names = ["\u{1F600}", "\uFF21", "a", "B", "é"];
  await using folder = await folderOf([
    ...names.map((name) => `train/${name}/1.jpg`),
    "train/a/10.JPG",
    "train/a/9.tiff",
    "train/a/notes.txt",
    "train/readme.md",
    "val/B/1.jpeg",
    "val/é/1.ppm",
  ]);
  const root = folder.path;
  const { train, val } = await openImageFolder(root);
  assert.deepEqual(train.classes, ["B", "a", "é", "\uFF21", "\u{1F600}"]);
  assert.deepEqual([...train.labels], [0, 1, 1, 1, 2, 3, 4]);
  const paths = Array.from({ length: 3 }, (_, at) => train.place(at + 1).path);
  assert.deepEqual(paths, ["1.jpg", "10.JPG", "9.tiff"].map((file) => join(root, "train/a", file)));
  assert.deepEqual([...val.labels], [0, 2]);
  assert.deepEqual(val.classes, train.classes);
});

Deno.test("openImageFolder: a wrong layout names what is missing", async () => {
  const cases: [string[], RegExp][] = [
    [["val/a/1.jpg"], /Cannot read .*train: wanted a folder of folders train\/<class>\/<image>/],
    [["train/a/1.jpg"], /Cannot read .*val: wanted a folder of folders val\/<class>\/<image>/],
    [["train", "val/a/1.jpg"], /Cannot read .*train: wanted a folder of .*, found a file$/],
    [
      ["train/1.jpg", "val/a/1.jpg"],
      /Cannot read .*train: wanted folders .*, found no folder; left out: 1 file beside the classes \(train\/1\.jpg\)$/,
    ],
    [
      ["train/a/1.txt", "val/a/1.jpg"],
      /Cannot read .*a: wanted images, found none; left out: 1 other file \(train\/a\/1\.txt\)$/,
    ],
    [["train/a/1.jpg", "val/b/1.jpg"], /every class of val must be in train, found b in val alone/],
  ];
  for (const [files, message] of cases) {
    await using folder = await folderOf(files);
    const root = folder.path;
    await assert.rejects(openImageFolder(root), message);
  }
});

Deno.test("openImageFolder: the list is kept and used until a folder changes", async () => {
  await using folder = await folderOf(PLAIN);
  const root = folder.path;
  const cache = join(root, "list.json");
  const long = new Date(Date.now() - 60_000);
  for (const folder of ["train/a", "train/b", "val/a", "val/b"]) {
    await Deno.utime(join(root, folder), long, long);
  }
  const first = await openImageFolder(root, { cache });
  const text = await Deno.readTextFile(cache);
  // A list that says otherwise shows that it is the list that is read.
  await Deno.writeTextFile(cache, text.replace("10.JPEG", "11.JPEG"));
  const second = await openImageFolder(root, { cache });
  assert.match(second.train.place(1).path, /11\.JPEG$/);
  await Deno.writeTextFile(join(root, "train/b/12.jpg"), "");
  const third = await openImageFolder(root, { cache });
  assert.equal(third.train.count, first.train.count + 1);
  assert.match(third.train.place(1).path, /10\.JPEG$/);
  await Deno.writeTextFile(cache, "{ broken");
  assert.equal((await openImageFolder(root, { cache })).train.count, 4);
  await Deno.writeTextFile(cache, text.replace(root, "/elsewhere").replace("10.JPEG", "11.JPEG"));
  assert.match((await openImageFolder(root, { cache })).train.place(1).path, /10\.JPEG$/);
});

Deno.test("openImageFolder: a folder changed just now is listed again the next time", async () => {
  await using folder = await folderOf(PLAIN);
  const root = folder.path;
  const cache = join(root, "list.json");
  await openImageFolder(root, { cache });
  await Deno.writeTextFile(cache, (await Deno.readTextFile(cache)).replace("10.JPEG", "11.JPEG"));
  assert.match((await openImageFolder(root, { cache })).train.place(1).path, /10\.JPEG$/);
});

/** Makes what Deno cannot: names that are not UTF-8, and a pipe. */
async function shell(cwd: string, script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", { args: ["-c", script], cwd }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

const unix = { ignore: Deno.build.os === "windows" };

Deno.test(
  "openImageFolder: images a folder deeper, in torchvision's order, through links too",
  unix,
  async () => {
    await using folder = await folderOf([
      ...["a/z.jpg", "a/b/c/1.GIF", "a/b/2.jpg", "a/b-c/3.jpg"].map((file) =>
        `photos/train/${file}`
      ),
      "shared/4.jpg",
      "classes/d/5.jpg",
    ]);
    const root = join(folder.path, "photos");
    await Deno.symlink("train", join(root, "val"));
    for (const name of ["e", "f"]) {
      await Deno.symlink(join(folder.path, "shared"), join(root, "train/a", name));
    }
    await Deno.symlink("../../classes/d", join(root, "train/d"));
    await Deno.symlink("../d/5.jpg", join(root, "train/a/y.jpg"));
    await Deno.symlink(folder.path, join(root, "train/a/above"));
    const notes: string[] = [];
    const { train, val } = await openImageFolder(root, { onNote: (note) => notes.push(note) });
    // Python: [join(d, f) for d, _, files in sorted(os.walk("a", followlinks=True)) for f in sorted(files)]
    const wanted = ["a/y.jpg", "a/z.jpg", "a/b/2.jpg", "a/b-c/3.jpg", "a/b/c/1.GIF", "a/e/4.jpg"];
    wanted.push("a/f/4.jpg", "d/5.jpg");
    for (const [split, list] of [["train", train], ["val", val]] as const) {
      const paths = Array.from({ length: list.count }, (_, at) => list.place(at).path);
      assert.deepEqual(paths, wanted.map((file) => join(root, split, file)));
    }
    assert.deepEqual([...train.labels], [0, 0, 0, 0, 0, 0, 0, 1]);
    const circles = "2 links that lead in a circle (train/a/above, val/a/above)";
    assert.deepEqual(notes, [`left out: ${circles}`]);
  },
);

Deno.test(
  "openImageFolder: what is left out is counted and named in one line, whatever it is",
  unix,
  async () => {
    const others = [".hidden.jpg", ".cache/6.jpg", "notes.txt", "README", "a\nb.svg", "c.txt"];
    await using folder = await folderOf([
      ...PLAIN,
      "train/c/7.jpg",
      "train/readme.md",
      ...others.map((file) => `train/a/${file}`),
    ]);
    const root = folder.path;
    for (
      const [target, link] of [
        ["nowhere.jpg", "train/a/9.jpg"],
        ["nowhere", "train/b/README"],
        ["/dev/null/x", "val/a/8.jpg"],
        ["nowhere", "val/lost"],
        [".", "train/a/self"],
        ["../..", "train/a/above"],
        ["turn.jpg", "train/a/turn.jpg"],
        [".", "val/all"],
        ["x".repeat(300), "train/b/long.jpg"],
      ] as const
    ) await Deno.symlink(target, join(root, link));
    await shell(root, `: > "$(printf 'train/b/caf\\351.jpg')"; mkfifo train/b/pipe.jpg`);
    const notes: string[] = [];
    const { train, val } = await openImageFolder(root, { onNote: (note) => notes.push(note) });
    assert.deepEqual([train.count, val.count], [4, 2]);
    assert.deepEqual(notes, [
      "left out: 2 hidden (train/a/.cache, train/a/.hidden.jpg), " +
      "4 links that lead nowhere (train/a/9.jpg, train/b/README, val/a/8.jpg, ...), " +
      "5 other files (train/a/README, train/a/a\\nb.svg, train/a/c.txt, ...), " +
      "4 links that lead in a circle (train/a/turn.jpg, train/a/above, train/a/self, ...), " +
      "1 name that is not UTF-8 (train/b/caf\uFFFD.jpg), " +
      "1 that cannot be read (train/b/long.jpg), " +
      "1 file beside the classes (train/readme.md)",
      "no images to validate on: 1 of 3 classes (c)",
    ]);
  },
);

Deno.test(
  "openImageFolder: a class that cannot be used is an error of one line",
  unix,
  async () => {
    const cases: [script: string, message: RegExp][] = [
      ["mkdir train/c", /train\/c: wanted images, found none$/],
      [
        "mkdir train/c; ln -s nowhere train/c/1.jpg",
        /train\/c: wanted images, found none; left out: 1 link that leads nowhere \(train\/c\/1\.jpg\)$/,
      ],
      [`mkdir "train/c\nd"`, /^Error: Cannot read .*train\/c\\nd: wanted images, found none$/],
      [
        `mkdir "$(printf 'train/\\351')"`,
        /train: the name of every class must be UTF-8, found \uFFFD$/,
      ],
      [
        "rm -r val; ln -s nowhere val",
        /val: wanted a folder of .*, found a link that leads nowhere$/,
      ],
      [
        "rm -r val; ln -s val val",
        /val: wanted a folder of .*, found none that can be read \(Too many/,
      ],
    ];
    for (const [script, message] of cases) {
      await using folder = await folderOf(PLAIN);
      await shell(folder.path, script);
      await assert.rejects(openImageFolder(folder.path), message, script);
    }
  },
);

Deno.test(
  "openImageFolder: a kept list knows deeper folders and what is left out, and not what may pass",
  unix,
  async () => {
    await using folder = await folderOf([...PLAIN, "train/a/deep/1.jpg", "train/a/notes.txt"]);
    const root = folder.path;
    const cache = join(root, "list.json");
    const settle = async () => {
      const long = new Date(Date.now() - 60_000);
      for (const place of ["train/a/deep", "train/a", "train/b", "val/a", "val/b"]) {
        await Deno.utime(join(root, place), long, long);
      }
    };
    const open = async () => {
      const notes: string[] = [];
      const files = await openImageFolder(root, { cache, onNote: (note) => notes.push(note) });
      return { count: files.train.count, notes };
    };
    const [told] = ["left out: 1 other file (train/a/notes.txt)"];
    await settle();
    assert.deepEqual(await open(), { count: 4, notes: [told] });
    await Deno.writeTextFile(
      cache,
      (await Deno.readTextFile(cache)).replace("notes.txt", "kept.txt"),
    );
    assert.deepEqual((await open()).notes, ["left out: 1 other file (train/a/kept.txt)"]);
    await Deno.writeTextFile(join(root, "train/a/deep/2.jpg"), "");
    assert.deepEqual(await open(), { count: 5, notes: [told] });
    await Deno.symlink(join(root, "later.jpg"), join(root, "train/a/3.jpg"));
    await settle();
    assert.equal((await open()).count, 5);
    await Deno.writeTextFile(join(root, "later.jpg"), "");
    assert.deepEqual(await open(), { count: 6, notes: [told] });
  },
);

Deno.test("openImageFolder: a list that cannot be read or written is done without", async () => {
  await using folder = await folderOf(PLAIN);
  const root = folder.path;
  const file = join(root, "train/a/x.png");
  for (const cache of [join(root, "none/list.json"), join(file, "list.json"), root]) {
    assert.equal((await openImageFolder(root, { cache })).train.count, 3, cache);
  }
  const cache = join(root, "list.json");
  await openImageFolder(root, { cache, writesCache: false });
  const names = await Array.fromAsync(Deno.readDir(root), ({ name }) => name);
  assert.deepEqual(names.sort(), ["train", "val"]);
});
