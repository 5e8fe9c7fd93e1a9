import { assert, assertEquals, assertGreater, assertLess, assertMatch } from "@std/assert";
import type { Status } from "../../src/operations/operations.ts";
import { describeStatus, openServiceManager } from "../../src/program/systemd.ts";
import { until } from "../support/servers.ts";
import { ServiceReceiver } from "../support/service_receiver.ts";

const MAIN = new URL("../support/service_main.ts", import.meta.url).pathname;
const onlyLinux = Deno.build.os !== "linux";

Deno.test({
  name: "the service manager is told of start, reload and drain, in order",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({ NOTIFY_SOCKET: receiver.path });
    await service.tell("ready", "status 3\nstrange\twords", "reloading", "ready", "stopping");
    await receiver.told(/^STOPPING=1$/);
    await service.tell("close");
    const all = receiver.notices.flatMap(({ lines }) => lines);
    const order = all.filter((line) => /^(READY|RELOADING|STOPPING)/.test(line));
    assertEquals(order, ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"]);
    assertEquals(all.filter((line) => line === `MAINPID=${service.pid}`).length, 2);
    assert(all.includes("STATUS=3"));
    assert(all.includes("STATUS=all is well"), all.join("\n"));
    assertEquals(receiver.count("WATCHDOG=1"), 0);
  },
});

Deno.test({
  name: "a reload carries a time of the monotonic clock that is not before it",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({ NOTIFY_SOCKET: receiver.path });
    const before = secondsSinceBoot();
    await service.tell("reloading");
    const { lines } = await receiver.told(/^RELOADING=1$/);
    const micros = /^MONOTONIC_USEC=(\d+)$/.exec(lines[1] ?? "")?.[1];
    assertGreater(Number(micros), before * 1e6);
    assertLess(Number(micros), (secondsSinceBoot() + 1.1) * 1e6);
  },
});

Deno.test({
  name: "the watchdog is fed at least twice in its time, and not while the event loop is blocked",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({
      NOTIFY_SOCKET: receiver.path,
      WATCHDOG_USEC: "200000",
    });
    // A busy machine is late at times, but not each time.
    await until(() => {
      const fed = receiver.notices.map(({ at }) => at);
      return fed.some((at, i) => i >= 3 && at - fed[i - 3]! < 600);
    }, "the watchdog is fed often enough");
    const before = receiver.notices.length;
    await service.tell("block 1000");
    await receiver.told(/^WATCHDOG=1$/, before + 1);
    const times = receiver.notices.map(({ at }) => at);
    const gaps = times.slice(1).map((at, i) => at - times[i]!);
    assertGreater(Math.max(...gaps), 700);
  },
});

Deno.test({
  name: "the watchdog is not fed once what serves does not answer",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({
      NOTIFY_SOCKET: receiver.path,
      WATCHDOG_USEC: "40000",
    });
    await receiver.told(/^WATCHDOG=1$/);
    await service.tell("silent");
    const before = receiver.count("WATCHDOG=1");
    // Ten periods, counted by a clock that would show a beat in each.
    for (let i = 0; i < 10; i++) await service.tell("block 20");
    assertLess(receiver.count("WATCHDOG=1"), before + 2);
  },
});

Deno.test({
  name:
    "the watchdog is not fed while a part of what serves does not go on, which is told of all the same",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({
      NOTIFY_SOCKET: receiver.path,
      WATCHDOG_USEC: "40000",
    });
    await receiver.told(/^WATCHDOG=1$/);
    await service.tell("dead");
    const [fed, told] = ["WATCHDOG=1", "STATUS=all is well"].map((line) => receiver.count(line));
    await until(
      () => receiver.count("STATUS=all is well") > told! + 5,
      "it is told how things are",
    );
    assertLess(receiver.count("WATCHDOG=1"), fed! + 2);
  },
});

Deno.test({
  name: "the watchdog of another process is not fed",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({
      NOTIFY_SOCKET: receiver.path,
      WATCHDOG_USEC: "40000",
      WATCHDOG_PID: "1",
    }, { beat: 10 });
    await until(() => receiver.notices.length >= 5, "there are signs of life");
    assertEquals(receiver.count("WATCHDOG=1"), 0);
    await service.tell("close");
  },
});

Deno.test({
  name: "a drain asks for more time again and again, and only a drain",
  ignore: onlyLinux,
  fn: async () => {
    await using receiver = new ServiceReceiver();
    await using service = await Service.start({ NOTIFY_SOCKET: receiver.path }, { beat: 20 });
    await service.tell("ready");
    await until(() => receiver.notices.length >= 5, "there are signs of life");
    assertEquals(receiver.count("EXTEND_TIMEOUT_USEC=20000000"), 0);
    await service.tell("stopping");
    await until(
      () => receiver.count("EXTEND_TIMEOUT_USEC=20000000") >= 5,
      "more time is asked for again and again",
    );
  },
});

for (const directory of ["RUNTIME_DIRECTORY", "TMPDIR"]) {
  Deno.test({
    name: `the socket leaves nothing behind in ${directory}`,
    ignore: onlyLinux,
    fn: async () => {
      await using receiver = new ServiceReceiver();
      const own = await Deno.makeTempDir();
      await using service = await Service.start({
        NOTIFY_SOCKET: receiver.path,
        [directory]: own,
      });
      await service.tell("ready");
      await receiver.told(/^READY=1$/);
      assertEquals([...Deno.readDirSync(own)], []);
      await Deno.remove(own);
    },
  });
}

Deno.test({
  name: "a service manager in the abstract namespace is told where the runtime can reach it",
  ignore: onlyLinux,
  fn: async () => {
    const name = `iawlb-test-${crypto.randomUUID()}`;
    let receiver;
    try {
      receiver = new ServiceReceiver(`\0${name}`);
    } catch (error) {
      // Before Deno 2.9 there are no such addresses, and the program says so and goes on.
      assertMatch(String(error), /interior null/);
    }
    await using service = await Service.start({ NOTIFY_SOCKET: `@${name}` });
    await service.tell("ready", "close");
    if (receiver) await receiver.told(/^READY=1$/);
    else assertMatch(service.output.join("\n"), /error: /);
    await receiver?.[Symbol.asyncDispose]();
  },
});

Deno.test("without a service manager there is none, and no error", () => {
  const asked: string[] = [];
  const env = {
    get(name: string) {
      asked.push(name);
      return undefined;
    },
  };
  assertEquals(openServiceManager(env, { onError: (message) => asked.push(message) }), undefined);
  assertEquals(asked, ["NOTIFY_SOCKET"]);
});

Deno.test({
  name: "a service manager that is gone costs one message and nothing else",
  ignore: onlyLinux,
  fn: async () => {
    const gone = await Deno.makeTempDir();
    await using service = await Service.start(
      { NOTIFY_SOCKET: `${gone}/notify`, WATCHDOG_USEC: "20000" },
    );
    await service.tell("ready", "reloading", "stopping", "close");
    assertEquals(service.output.filter((line) => line.startsWith("error: ")).length, 1);
    assertEquals(await service.end(), 0);
    await Deno.remove(gone);
  },
});

Deno.test("a directory in which no socket can be made is an error message, not a failure", () => {
  const env: Record<string, string> = {
    NOTIFY_SOCKET: "/nowhere/notify",
    RUNTIME_DIRECTORY: "/nowhere",
  };
  const errors: string[] = [];
  const options = { onError: (message: string) => errors.push(message) };
  assertEquals(openServiceManager({ get: (name) => env[name] }, options), undefined);
  assertEquals(errors.length, 1);
});

Deno.test("the status counts over all listeners", () => {
  const destinations = [{ state: "up" }, { state: "down" }];
  const one = { greeting: 0, waiting: 2, active: 3, destinations };
  const two = { greeting: 0, waiting: 1, active: 4, destinations: [{ state: "drain" }] };
  const status = { state: "draining", listeners: [one, two] } as unknown as Status;
  assertEquals(
    describeStatus(status),
    "draining: 3 waiting, 7 being served, 1 of 3 destinations up",
  );
  one.greeting = 5;
  assertEquals(
    describeStatus(status),
    "draining: 5 being greeted, 3 waiting, 7 being served, 1 of 3 destinations up",
  );
});

/** The module in a process with the permissions of the program. */
class Service implements AsyncDisposable {
  readonly output: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;

  private constructor(env: Record<string, string>, args: readonly string[]) {
    const { NOTIFY_SOCKET: _, WATCHDOG_PID: _1, ...rest } = Deno.env.toObject();
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-P", MAIN, ...args],
      clearEnv: true,
      env: { ...rest, ...env },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#reading = this.#read();
  }

  static async start(
    env: Record<string, string>,
    options: { beat?: number } = {},
  ): Promise<Service> {
    const service = new Service(env, options.beat ? [String(options.beat)] : []);
    const started = () => service.output.length > 0;
    await until(started, "the service has started", 60_000).catch(async (error) => {
      const state = Deno.readTextFileSync(`/proc/${service.pid}/status`);
      await service[Symbol.asyncDispose]();
      throw new Error(`${error.message}; the process: ${state}`);
    });
    return service;
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Has it do this and waits until it has. */
  async tell(...lines: string[]): Promise<void> {
    for (const line of lines) {
      const done = () => this.output.filter((answer) => answer.startsWith("did ")).length;
      const before = done();
      await this.#input.write(new TextEncoder().encode(`${line}\n`));
      const number = line.split("\n").length;
      await until(() => done() >= before + number, `the service did ${line}`);
    }
  }

  /** Ends its input and waits for its end. */
  async end(): Promise<number> {
    await this.#input.close();
    const { code } = await this.#child.status;
    await this.#reading;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.#child.status;
    await this.#reading;
    await this.#input.abort().catch(() => {});
  }

  async #read(): Promise<void> {
    let rest = "";
    const text = this.#child.stdout.pipeThrough(new TextDecoderStream() as never);
    for await (const chunk of text as ReadableStream<string>) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop()!;
      this.output.push(...parts);
    }
  }
}

function secondsSinceBoot(): number {
  return Number(Deno.readTextFileSync("/proc/uptime").split(" ")[0]);
}
