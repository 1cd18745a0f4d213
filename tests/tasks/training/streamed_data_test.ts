import assert from "node:assert/strict";
import { join } from "node:path";
import { IMAGENET_DEFAULTS } from "../../../lib/train/settings/imagenet_settings.ts";
import { openStreamed } from "../../../tasks/training/streamed_data.ts";
import { drawFolder } from "../../support/pictures.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("openStreamed: the list is kept where a run may write, and nothing is made for it", async () => {
  await using root = await tempFolder();
  const folder = join(root.path, "images");
  await drawFolder(folder, { classes: 2, train: 1, val: 1 });
  const [logs, missing, below] = ["logs", "missing", "images/train/class0/0.JPEG/logs"]
    .map((name) => join(root.path, name));
  await Deno.mkdir(logs ?? "");
  const listsAfter = async (place: string | undefined, mayWrite: boolean) => {
    const settings = { ...IMAGENET_DEFAULTS, nthread: 1, logs: place ?? "" };
    const images = { flag: "imagenetpath", folder, crop: "resized" } as const;
    using opened = await openStreamed(images, settings, { mayWrite });
    assert.equal(opened.data.classes, 2);
    return (await Array.fromAsync(Deno.readDir(logs ?? ""))).length;
  };
  assert.equal(await listsAfter(logs, false), 0);
  assert.equal(await listsAfter(missing, true), 0);
  assert.equal(await listsAfter(below, true), 0);
  assert.equal(await listsAfter(logs, true), 1);
  const names = await Array.fromAsync(Deno.readDir(root.path), ({ name }) => name);
  assert.deepEqual(names.sort(), ["images", "logs"]);
});
