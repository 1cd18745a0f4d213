import assert from "node:assert/strict";
import { advice, aptCommand } from "../../tasks/setup.ts";

const SETUP = `${import.meta.dirname}/../../tasks/setup.ts`;
const debian = { os: "linux", hasApt: true, isRoot: true, hasSudo: true };

async function setUp(args: string[], env: Record<string, string> = {}) {
  const names = "XDG_RUNTIME_DIR,DENO_WEBGPU_BACKEND,LD_LIBRARY_PATH,LD_PRELOAD";
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", `--allow-env=${names}`, SETUP, ...args],
    env: { ...env, NO_COLOR: "1" },
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("aptCommand: the superuser calls apt-get, others through sudo", () => {
  const command = ["/usr/bin/env", "DEBIAN_FRONTEND=noninteractive", "/usr/bin/apt-get"];
  assert.deepEqual(aptCommand(debian), command);
  assert.deepEqual(aptCommand({ ...debian, isRoot: false }), ["/usr/bin/sudo", "-n", ...command]);
});

Deno.test("aptCommand: nothing is installed without apt-get, the right to, or on another system", () => {
  assert.equal(aptCommand({ ...debian, hasApt: false }), undefined);
  assert.equal(aptCommand({ ...debian, isRoot: false, hasSudo: false }), undefined);
  assert.equal(aptCommand({ ...debian, os: "darwin" }), undefined);
});

Deno.test("advice: one line that names the package of each distribution", () => {
  assert.doesNotMatch(advice("linux"), /\n/);
  for (const name of ["mesa-vulkan-drivers", "vulkan-swrast", "mesa-vulkan-swrast"]) {
    assert.ok(advice("linux").includes(name), name);
  }
  assert.equal(advice("windows"), "update the graphics driver");
});

Deno.test("setup: says nothing where an adapter answers", async () => {
  assert.deepEqual(await setUp([]), { code: 0, text: "" });
});

Deno.test({
  name: "setup: without an adapter and not allowed to install, one line says what to do",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const none = { VK_DRIVER_FILES: "/nonexistent", VK_ICD_FILENAMES: "/nonexistent" };
    assert.deepEqual(await setUp(["--no-install"], { ...none, DENO_WEBGPU_BACKEND: "vulkan" }), {
      code: 1,
      text: `Cannot find a WebGPU adapter: ${advice("linux")}\n`,
    });
  },
});

Deno.test("setup: an unknown option is refused", async () => {
  assert.deepEqual(await setUp(["--instal"]), {
    code: 2,
    text: "Cannot set up: the only options are --no-install and --allow_software, found --instal\n",
  });
});
