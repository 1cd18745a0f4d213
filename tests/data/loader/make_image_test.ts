import assert from "node:assert/strict";
import { join } from "node:path";
import { makeImage } from "../../../data/loader/make_image.ts";
import { drawDetailedJpeg } from "../../support/pictures.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("makeImage: neither file nor pixels wait for the garbage collector", async () => {
  await using folder = await tempFolder();
  const path = join(folder.path, "a.JPEG");
  await Deno.writeFile(path, await drawDetailedJpeg({ width: 500, height: 375, seed: 0 }));
  const into = new Uint8Array(3 * 224 * 224);
  const make = (at: number) =>
    makeImage({ path, span: null, box: null, at, key: [at] }, {
      size: 224,
      crop: "resized",
      into,
    });
  await make(0);
  const before = Deno.memoryUsage().external;
  for (let at = 1; at <= 40; at++) await make(at);
  const grown = (Deno.memoryUsage().external - before) / 1e6;
  assert.ok(grown < 1, `40 images left ${grown.toFixed(1)} MB behind`);
});
