import { OPEN_MPI } from "./mpi.ts";
import { findProgram, type Found, runProgram } from "./programs.ts";
import { tempFolder } from "./temp_folder.ts";

/** The network of the hosts, which is theirs alone. */
const NETWORK = "10.9.0";
const LINK = "eth0";

async function ip(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram("ip", args);
  if (code !== 0) throw new Error(`Cannot run ip: ${stderr.trim()}`);
  return stdout;
}

/** Two hosts that are network namespaces of this machine, each with addresses of its own. */
export class TwoHosts implements AsyncDisposable {
  readonly #names: readonly [string, string];
  readonly #held = new AsyncDisposableStack();

  private constructor() {
    const name = `pupil-${crypto.randomUUID().slice(0, 8)}`;
    this.#names = [`${name}-a`, `${name}-b`];
  }

  /** Makes them, which takes the rights of the superuser. */
  static async make(): Promise<TwoHosts> {
    const hosts = new TwoHosts();
    try {
      await hosts.#join();
      return hosts;
    } catch (error) {
      await hosts[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #join(): Promise<void> {
    const [a, b] = this.#names;
    for (const name of this.#names) {
      await ip("netns", "add", name);
      this.#held.defer(async () => {
        for (const pid of await pidsIn(name)) await runProgram("kill", ["-KILL", pid]);
        await ip("netns", "delete", name);
      });
      await ip("-n", name, "link", "set", "lo", "up");
    }
    await ip("-n", a, "link", "add", LINK, "type", "veth", "peer", "name", LINK, "netns", b);
    for (const [at, name] of this.#names.entries()) {
      await ip("-n", name, "address", "add", `${NETWORK}.${at + 1}/24`, "dev", LINK);
      await ip("-n", name, "link", "set", LINK, "up");
    }
  }

  /** The words of `mpirun` that start a rank on each, joined by TCP alone. */
  async starter(): Promise<string[]> {
    const folder = this.#held.use(await tempFolder());
    const agent = `${folder.path}/agent`;
    // Hosts that share a file system must not share the folder in which Open MPI meets itself.
    const text = '#!/bin/sh\nhost=$1; shift\nmkdir -p "$0.$host"\n' +
      'TMPDIR="$0.$host" exec ip netns exec "$host" sh -c "$*"\n';
    await Deno.writeTextFile(agent, text, { mode: 0o755 });
    const settings = {
      plm_rsh_agent: agent,
      pml: "ob1",
      btl: "tcp,self",
      btl_tcp_if_include: `${NETWORK}.0/24`,
      oob_tcp_if_include: `${NETWORK}.0/24`,
      mpi_yield_when_idle: "1",
    };
    const [a, b] = this.#names;
    return [
      ...["ip", "netns", "exec", a],
      ...[OPEN_MPI.program, ...OPEN_MPI.flags, "--bind-to", "none"],
      ...Object.entries(settings).flatMap(([name, value]) => ["--mca", name, value]),
      ...["-H", `${a}:1,${b}:1`, "-n", "2"],
    ];
  }

  /** Cuts the link, or mends it. */
  async link(state: "down" | "up"): Promise<void> {
    await ip("-n", this.#names[0], "link", "set", LINK, state);
  }

  /** The processes on both. */
  async pids(): Promise<string[]> {
    return (await Promise.all(this.#names.map(pidsIn))).flat();
  }

  /** Ends what runs there, and removes them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held.disposeAsync();
  }
}

async function pidsIn(name: string): Promise<string[]> {
  return (await ip("netns", "pids", name)).split("\n").filter((pid) => pid !== "");
}

/** Looks whether {@link TwoHosts} can be made here. */
export async function findTwoHosts(): Promise<Found> {
  const found = await findProgram("ip", { packages: ["iproute2"], args: ["-V"] });
  if (found.ignore) return found;
  try {
    await using _hosts = await TwoHosts.make();
    return found;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { ignore: true, note: ` (ignored: no network namespaces: ${reason})` };
  }
}
