import assert from "node:assert/strict";
import { findWeights, openTeacher } from "../../../tasks/training/open_teacher.ts";
import { testGpu } from "../../support/gpu.ts";
import { TRAJECTORIES } from "../../support/mini.ts";
import { tempFolder } from "../../support/temp_folder.ts";

const TEACHER = `${TRAJECTORIES}teacher.safetensors`;

async function writeRun(logs: string): Promise<void> {
  await Deno.mkdir(`${logs}/taught`, { recursive: true });
  await Deno.copyFile(TEACHER, `${logs}/taught/model.safetensors`);
  await Deno.mkdir(`${logs}/begun`);
}

Deno.test("findWeights: takes a run's name, a folder and a file", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  await writeRun(logs);
  const file = `${logs}/taught/model.safetensors`;
  const run = `${logs}/taught`;
  for (const name of ["taught", run]) {
    assert.deepEqual(await findWeights(name, { logs }), { file, run }, name);
  }
  assert.deepEqual(await findWeights(file, { logs }), { file, run: null });
});

Deno.test("findWeights: refuses what is not there, and a run without weights", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  await writeRun(logs);
  await assert.rejects(findWeights("taut", { logs }), {
    name: "RangeError",
    message: /^Cannot find run "taut": .*taught/,
  });
  await assert.rejects(findWeights("begun", { logs }), {
    name: "RangeError",
    message: `Cannot use run ${logs}/begun: wanted model.safetensors in it, found none`,
  });
});

Deno.test("openTeacher: opens the network of a run, or none", async () => {
  await using root = await tempFolder();
  const logs = `${root.path}/logs`;
  await writeRun(logs);
  const gpu = await testGpu();
  assert.equal(await openTeacher(gpu, { teacher_id: "", logs, take: "", classes: 10 }), null);
  const teacher = await openTeacher(gpu, { teacher_id: "taught", logs, take: "", classes: 10 });
  assert.equal(teacher?.name, "WRN-16-2");
});

Deno.test("openTeacher: refuses a teacher of other classes", async () => {
  const gpu = await testGpu();
  const options = { teacher_id: TEACHER, logs: "logs", take: "", classes: 100 };
  await assert.rejects(openTeacher(gpu, options), {
    name: "TypeError",
    message: `Cannot learn from teacher ${TEACHER}: it must tell 100 classes apart, found 10`,
  });
});
