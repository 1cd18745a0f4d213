import assert from "node:assert/strict";

/** Runs a script of the shell, whose arguments are `$0` and on, and gives what it prints. */
export async function shell(script: string, ...args: string[]): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", script, ...args] }).output();
  return new TextDecoder().decode(stdout).trim();
}

/** Which of some processes are at work. */
async function living(pids: readonly string[]): Promise<string> {
  return await shell(`ps -o pid=,stat=,args= -p "$0" | grep -v "^ *[0-9]* *Z"`, pids.join());
}

/** Asserts that some processes have ended, or end within some seconds. */
export async function wantGone(pids: readonly string[], seconds: number): Promise<void> {
  let left = await living(pids);
  for (const end = Date.now() + 1000 * seconds; left !== "" && Date.now() < end;) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    left = await living(pids);
  }
  assert.equal(left, "");
}

/** A process at work. */
export interface Living {
  readonly pid: string;
  readonly parent: string;
  /** Its command, and its environment. */
  readonly words: string;
}

/** All processes of this machine. */
export async function processes(): Promise<Living[]> {
  const lines = await shell("ps eww -A -o pid=,ppid=,args=");
  return lines.split("\n").flatMap((line): Living[] => {
    const [, pid = "", parent = "", words = ""] = /^ *(\d+) +(\d+) (.*)$/.exec(line) ?? [];
    return pid === "" ? [] : [{ pid, parent, words }];
  });
}

/** A process, and those that it has started, and those that these have started. */
export async function familyOf(pid: number): Promise<Living[]> {
  const all = await processes();
  const found = all.filter((one) => one.pid === `${pid}`);
  for (const { pid } of found) found.push(...all.filter(({ parent }) => parent === pid));
  return found;
}
