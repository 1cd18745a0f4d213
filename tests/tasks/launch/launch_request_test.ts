import assert from "node:assert/strict";
import { checkGpus, gpusOf, launchOf } from "../../../tasks/launch/launch_request.ts";
import { parseTable } from "../../../tasks/table/table_options.ts";
import { parseCifar } from "../../../tasks/training/cifar_options.ts";
import { refusalOf } from "../../support/refusal.ts";

Deno.test("gpusOf: as many as there are ranks, the rest is left over", () => {
  assert.equal(gpusOf({}, 2), null);
  assert.deepEqual(gpusOf({ gpu_id: "3,1,0" }, 2), [3, 1]);
});

Deno.test("gpusOf: fewer than ranks, or one twice, are refused", () => {
  assert.equal(
    refusalOf(() => gpusOf({ gpu_id: "0" }, 2)),
    "Cannot give 2 ranks a GPU each: --gpu_id must name 2, found 0",
  );
  assert.equal(
    refusalOf(() => gpusOf({ gpu_id: "1,1" }, 2)),
    "Cannot give 2 ranks a GPU each: --gpu_id must name different ones, found 1,1; --share_gpu allows it",
  );
  assert.deepEqual(gpusOf({ gpu_id: "1,1", share_gpu: true }, 2), [1, 1]);
});

Deno.test("checkGpus: numbers between commas, and at least one rank", () => {
  checkGpus({});
  checkGpus({ ngpu: 8, gpu_id: "0,12" });
  assert.match(
    refusalOf(() => checkGpus({ ngpu: 0 })),
    /--ngpu must be .* found 0; the nearest is 1/,
  );
  for (const gpu_id of ["", "a", "0,", "-1", "0 1"]) {
    assert.match(refusalOf(() => checkGpus({ gpu_id })), /--gpu_id must be the numbers of GPUs/);
  }
});

Deno.test("launchOf: only what was given", () => {
  assert.deepEqual(launchOf({}), {});
  const given = { ngpu: 2, share_gpu: true, seed: 3 };
  assert.deepEqual(launchOf(given), { launch: { ngpu: 2, share_gpu: true } });
});

Deno.test("parseCifar, parseTable: the launcher's flags, beside --resume and --evaluate too", () => {
  const flags = ["--ngpu=2", "--gpu-id", "0,1", "--oversubscribe", "--share_gpu"];
  const launch = { ngpu: 2, gpu_id: "0,1", oversubscribe: true, share_gpu: true };
  for (const before of [["--save", "a"], ["--resume", "a"], ["--evaluate", "a"], ["--profile"]]) {
    const command = parseCifar([...before, ...flags]);
    assert.deepEqual(command.kind === "print" || command.launch, launch, before.join());
  }
  const command = parseTable(["2", ...flags]);
  assert.deepEqual(command.kind === "train" && command.request.launch, launch);
  assert.match(refusalOf(() => parseTable(["2", "--ngpu", "0"])), /--ngpu must be/);
});
