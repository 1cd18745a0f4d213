import { cardGpu } from "../support/gpu.ts";
import { assertFollows } from "../support/trajectory.ts";

Deno.test("trajectory: at_lr0.001 follows PyTorch for six steps with the kernels of a card", async () => {
  using gpu = await cardGpu();
  await assertFollows(gpu, "at_lr0.001", { maxSteps: 6 });
});
