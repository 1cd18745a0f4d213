import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url).pathname;

/** How a task's process ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A task that tests run. */
export type Task =
  | "bench"
  | "card"
  | "cifar"
  | "convert"
  | "doctor"
  | "finetune"
  | "imagenet"
  | "pack"
  | "quickstart"
  | "table";

/** Where a task runs. */
export interface Place {
  /** The folder. */
  readonly cwd: string;
  /** Environment variables that it gets beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** A script of the tests that runs in the task's place; a path from the root of the project. */
  readonly script?: string;
  /** Kilobytes beyond which it can write to no file, as on a full disk. Default: unlimited. */
  readonly room?: number;
  /** The words of a program that starts it, such as those of `mpirun`. Default: none. */
  readonly starter?: readonly string[];
}

/** The command of a task of deno.json, with its own permissions and nobody to ask for others. */
export function taskCommand(
  task: Task,
  args: readonly string[],
  { cwd, env = {}, script, room, starter = [] }: Place,
): Deno.Command {
  const [last = ""] = config.tasks[task].command.split(" && ").slice(-1); // What sets up stands before it.
  const [, run = "", ...rest] = last.split(" ");
  const own = rest.pop() ?? "";
  const limit = `trap '' XFSZ; ulimit -f ${room ?? "unlimited"}; exec "$0" "$@"`;
  const words = [run, "--quiet", "--no-prompt", ...rest, ROOT + (script ?? own), ...args];
  const shell = room === undefined ? [] : ["bash", "-c", limit];
  const [program = "", ...before] = [...shell, ...starter, Deno.execPath()];
  return new Deno.Command(program, {
    args: [...before, ...words],
    cwd,
    env: { INIT_CWD: cwd, ...env, NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}

/** Runs a task to its end. */
export async function runTask(
  task: Task,
  args: readonly string[],
  place: Place,
): Promise<Outcome> {
  const { code, stdout, stderr } = await taskCommand(task, args, place).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

/** An environment in which no WebGPU adapter answers. */
export const NO_ADAPTER = {
  VK_DRIVER_FILES: "/nonexistent",
  VK_ICD_FILENAMES: "/nonexistent",
  DENO_WEBGPU_BACKEND: "vulkan",
};
