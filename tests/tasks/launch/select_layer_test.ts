import assert from "node:assert/strict";
import { findSelectLayer } from "../../../tasks/launch/select_layer.ts";
import { tempFolder } from "../../support/temp_folder.ts";

Deno.test("findSelectLayer: without its manifest there is none; an older library tells only models apart", async () => {
  await using folder = await tempFolder();
  const root = folder.path;
  const [layers, libraries] = [`${root}/etc/vulkan/implicit_layer.d`, `${root}/usr/lib64`];
  const library = `${libraries}/libVkLayer_MESA_device_select.so`;
  for (const path of [layers, libraries]) await Deno.mkdir(path, { recursive: true });
  await Deno.writeTextFile(library, "DRI_PRIME\0DRI_PRIME_DEBUG\0");
  assert.equal(findSelectLayer({ root }), "none");

  await Deno.writeTextFile(`${layers}/VkLayer_MESA_device_select.json`, "{}");
  assert.equal(findSelectLayer({ root }), "places");

  await Deno.writeTextFile(library, "\xff\0DRI_PRIME\0");
  assert.equal(findSelectLayer({ root }), "models");
  await Deno.remove(library);
  assert.equal(findSelectLayer({ root }), "models");
});
