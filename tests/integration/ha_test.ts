// Two machines and one address, by what scripts/ha/ has for that: keepalived moves the address, and
// sessions outlast the move. The figures that docs/deployment.md gives are printed.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { runOn } from "../support/namespaces.ts";
import { needing } from "../support/packaged_servers.ts";
import { Program } from "../support/program.ts";
import { echo, freePort, TestServer, until } from "../support/servers.ts";
import { type LoadResult, SteadyLoad } from "../support/steady_load.ts";
import { type HaMachine, TwoMachines, whyNoTwoMachines } from "../support/two_machines.ts";
import { unless } from "../support/unless.ts";

/** Sessions that stay, each with a word every 20 ms. */
const LONG = 20;

/** What is logged when the listeners have closed. */
const CLOSES = /"draining: /;

const FLAGS = ["--workers", "500", "--drain-delay", "3s", "--drain-timeout", "20s"];

const needed = {
  ...needing("keepalived", "keepalived"),
  ...needing("curl", "curl"),
  ...needing("nft", "nftables"),
  ...needing("python3", "python3"),
};
const obstacle = Object.values(needed).some(Boolean) ? "" : await whyNoTwoMachines();

/** Two machines under load, of which the first has the address. */
class Scene implements AsyncDisposable {
  load!: SteadyLoad;
  readonly both: TwoMachines;
  readonly #destination: TestServer;

  private constructor(both: TwoMachines) {
    this.both = both;
    // The clients begin, but somebody who only looks must not be waited for.
    this.#destination = new TestServer(echo, { hostname: both.here, speaksFirst: true });
  }

  static async start(options: { secondChance?: boolean } = {}): Promise<Scene> {
    const scene = new Scene(await TwoMachines.make());
    try {
      const { both } = scene;
      const destinations = [`${both.here}:${scene.#destination.port}`];
      await both.start(destinations, { flags: FLAGS, ...options });
      const server = { hostname: both.address, port: both.port };
      scene.load = await SteadyLoad.start(server, { long: LONG });
      return scene;
    } catch (error) {
      await scene[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits until one machine has the address and the other has not. */
  async isAt(machine: HaMachine): Promise<void> {
    const { both } = this;
    await until(
      async () => (await both.owners()).join() === machine.name,
      `${machine.name} alone has the address`,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A test that has failed has not ended it.
    if (this.load) await this.load.end();
    await this.both[Symbol.asyncDispose]();
    await this.#destination[Symbol.asyncDispose]();
  }
}

function test(name: string, body: () => Promise<void>): void {
  const obstacles = { ...needed, [`no two machines here: ${obstacle}`]: obstacle !== "" };
  Deno.test({ ...unless(name, obstacles), fn: body });
}

/** Only those failed that were just being served: one comes every 10 ms. */
function assertFewFailed({ failed, slowest }: LoadResult): void {
  assert(failed.length < 20 + slowest / 10, `${failed}`);
}

function print(what: string, { answered, failed, kept, lost, gap, slowest }: LoadResult): void {
  console.log(
    `${what}: ${answered} short sessions answered, ${failed.length} not; ${kept} long ones kept, ` +
      `${lost.length} lost; ${gap} ms without an answer, the slowest took ${slowest} ms`,
  );
}

Deno.test({
  ...unless("iawlb-check asks by TCP and by UNIX socket: well, draining, gone", {
    ...needing("curl", "curl"),
    "not Linux": Deno.build.os !== "linux",
  }),
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "iawlb-" });
    try {
      await using server = new TestServer(echo);
      const flags = ["--drain-delay", "1h"];
      const admins = [`unix:${folder}/admin`, `127.0.0.1:${freePort()}`];
      for (const admin of admins) {
        await using program = await Program.start([server.address], [...flags, "--admin", admin]);
        await until(async () => await check(admin) === 0, "it is well");
        program.signal("SIGTERM");
        await until(async () => await check(admin) !== 0, "it drains");
        program.signal("SIGTERM");
        await program.ended();
        assert(await check(admin) !== 0, "it is gone");
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

/** The exit status of the check. */
async function check(admin: string): Promise<number> {
  const script = new URL("../../scripts/ha/iawlb-check", import.meta.url).pathname;
  return (await new Deno.Command(script, { args: [admin] }).output()).code;
}

test("what nobody knows is passed on once, and reset by the other", async () => {
  await using both = await TwoMachines.make();
  const { one, two, address, port } = both;
  await one.secondChance(address, two.address);
  await two.secondChance(address, one.address);
  await one.give(address);
  const connect = () => Deno.connect({ hostname: address, port });
  await assertRejects(connect, Deno.errors.ConnectionRefused);
  assertEquals(await one.passedOn(), 0, "to nobody of whom it has not heard");
  await until(async () => {
    await one.greet(two.address);
    await two.greet(one.address);
    await assertRejects(connect, Deno.errors.ConnectionRefused);
    return await one.passedOn() > 0;
  }, "it is passed on");
  assertEquals(await two.passedOn(), 0, "and not back");
});

test("a stranger beyond a router who gives the other machine's address as its own is not taken for it", async () => {
  await using both = await TwoMachines.make();
  const { one, two, address } = both;
  await one.secondChance(address, two.address);
  for (const ttl of [64, 254, 255]) {
    await forge("word", [two.address, one.address, ttl, 1]);
    assertEquals(await one.hears(), ttl === 255, `with a TTL of ${ttl}`);
  }
});

test("a stranger beyond a router does not take the address away by VRRP", async () => {
  await using both = await TwoMachines.make();
  const { one, two, address } = both;
  await using server = new TestServer(echo, { hostname: both.here });
  await both.start([`${both.here}:${server.port}`], { secondChance: false });
  // keepalived itself takes it for nothing, but is late with what it says itself then.
  await forge("advert", [two.address, one.address, 254, 3, address]);
  await until(() => one.keepalivedLog.includes("TTL/HL 254 not in range"), "it is discarded");
  assert(!/BACKUP STATE$/m.test(one.keepalivedLog), one.keepalivedLog);
  // So it does not see it.
  await one.secondChance(address, two.address);
  const stranger = "203.0.113.9";
  await forge("advert", [stranger, one.address, 254, 20, address]);
  await forge("advert", [stranger, one.address, 255, 1, address]);
  const seen = () => one.keepalivedLog.split(stranger).length - 1;
  await until(() => seen() > 0, "what no router has passed on is seen");
  assertEquals(seen(), 1);
});

/** Sends packets with somebody else's address, from here; see `forged.py`. */
async function forge(kind: string, args: readonly (string | number)[]): Promise<void> {
  const script = new URL("../support/forged.py", import.meta.url).pathname;
  await runOn({ prefix: [] }, `python3 ${script} ${kind} ${args.join(" ")}`);
}

test("a machine that drains hands the address over, and takes it back later: 0 lost", async () => {
  await using scene = await Scene.start();
  const { both: { one, two }, load } = scene;
  const { program } = one;
  program.signal("SIGTERM");
  await scene.isAt(two);
  await load.open(LONG);
  await program.logged(CLOSES);
  await load.answers(100);
  assert(await two.passedOn() > 0, "the second machine passes packets on");
  assertEquals(program.exited, false, "the first machine has sessions still");
  load.leave(LONG);
  assertEquals(await program.ended(), 0);
  // The maintenance is over.
  await one.balance();
  await scene.isAt(one);
  await load.answers(100);
  assert(await one.passedOn() > 0, "the first machine passes packets on");
  const result = await load.end();
  print("drained", result);
  assertEquals([result.failed, result.lost], [[], []]);
  assertEquals(result.kept, 2 * LONG);
});

test("both machines have the address for a while, since one says nothing: 0 lost", async () => {
  await using scene = await Scene.start();
  const { both, both: { one, two }, load } = scene;
  await one.silence("SIGSTOP");
  await until(async () => (await both.owners()).length === 2, "both have the address");
  await load.open(LONG);
  await load.answers(100);
  await one.silence("SIGCONT");
  await scene.isAt(one);
  await load.answers(100);
  assert(await two.passedOn() + await one.passedOn() > 0, "packets were passed on");
  const result = await load.end();
  print("both for a while", result);
  assertEquals([result.failed, result.lost], [[], []]);
  assertEquals(result.kept, 2 * LONG);
});

test("without second-chance a drain loses the sessions that are live when the address moves", async () => {
  await using scene = await Scene.start({ secondChance: false });
  const { both: { one, two }, load } = scene;
  one.program.signal("SIGTERM");
  await scene.isAt(two);
  // On a machine that is busy with other things --drain-delay may be too short.
  const inTime = !one.program.log.some((line) => CLOSES.test(line));
  await one.program.logged(CLOSES);
  await load.answers(100);
  const result = await load.end();
  print("drained, without second-chance", result);
  assertEquals(result.lost.length, LONG);
  if (inTime) assertFewFailed(result);
});

test("iawlb is killed: its sessions are lost, the others go to the second machine at once", async () => {
  await using scene = await Scene.start();
  const { both: { one, two }, load } = scene;
  one.program.signal("SIGKILL");
  await scene.isAt(two);
  await load.answers(100);
  assert(await one.passedOn() > 0, "the first machine has passed packets on");
  const result = await load.end();
  print("killed", result);
  assertEquals(result.lost.length, LONG);
  assertFewFailed(result);
  assert(result.gap < 5000, `${result.gap} ms`);
});

test("a machine is switched off: the second one has the address about a second later", async () => {
  await using scene = await Scene.start();
  const { both, both: { one, two }, load } = scene;
  await both.powerOff(one);
  await scene.isAt(two);
  await load.answers(100);
  const result = await load.end();
  print("switched off", result);
  assertEquals(result.lost.length, LONG);
  assert(result.gap < 10_000, `${result.gap} ms`);
});
