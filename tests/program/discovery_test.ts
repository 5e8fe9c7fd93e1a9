import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Config, ProgramConfig } from "../../src/config/config.ts";
import { OperationError } from "../../src/operations/operations.ts";
import { sleep } from "../../src/base/timer.ts";
import { Instance } from "../../src/program/instance.ts";
import { configOf } from "../support/config.ts";
import { cpuTime } from "../support/cpu.ts";
import { FakeResolver, servicesOf } from "../support/fake_resolver.ts";
import { quietLogs } from "../support/logs.ts";
import { answer, echo, freePort, request, TestServer, until } from "../support/servers.ts";

/** Addresses of loopback that servers of a test share a port on. */
const LOCAL = ["127.0.0.1", "127.0.0.2", "127.0.0.3"] as const;

/** Servers on one port of several addresses, each of which answers with its address. */
function servers(number: number) {
  const port = freePort();
  const all = LOCAL.slice(0, number).map((hostname) => {
    return new TestServer(answer(hostname), { hostname, port });
  });
  return {
    port,
    async [Symbol.asyncDispose]() {
      await Promise.all(all.map((server) => server[Symbol.asyncDispose]()));
    },
  };
}

/** A program in this process that asks a fake resolver. */
async function start(
  destinations: string[],
  options: Omit<NonNullable<Parameters<typeof configOf>[1]>, "resolver"> & {
    resolver?: FakeResolver;
  } = {},
) {
  const { resolver = new FakeResolver(), ...others } = options;
  const configured = (destinations: string[], more = {}) => {
    const given = { resolveInterval: "1s", drainTimeout: "1s", ...others, ...more };
    return configOf(["127.0.0.1:0", ...destinations], given);
  };
  let wanted = configured(destinations);
  const programOf = (config: Config): ProgramConfig => ({ settings: config, listeners: [config] });
  const instance = await Instance.start({
    config: programOf(wanted),
    load: () => programOf(wanted),
    logs: quietLogs(),
    // Nobody waits for a second in which nothing happens.
    lookUps: { resolver, pause: (_, signal) => sleep(20, { signal }) },
  });
  const port = Number(instance.addresses[0]!.split(":").at(-1));
  const status = async () => (await instance.status()).listeners[0]!;
  return {
    ...{ instance, resolver, port, status },
    async destinations() {
      return (await status()).destinations;
    },
    /** `NAME state`, leaving ones with a star. */
    async shown() {
      return (await status()).destinations.map(({ name, state, leaving }) => {
        return `${name} ${state}${leaving ? "*" : ""}`;
      });
    },
    async leadsTo(...names: string[]) {
      await until(async () => {
        const { destinations } = await status();
        const there = destinations.filter(({ leaving }) => !leaving).map(({ name }) => name);
        return there.sort().join() === [...names].sort().join();
      }, `there is ${names}`);
    },
    async id(name: string) {
      const { destinations, names } = await status();
      return [...names, ...destinations].find((one) => one.name === name)!.id;
    },
    async reload(destinations: string[], more = {}) {
      wanted = configured(destinations, more);
      return await instance.reload();
    },
    async [Symbol.asyncDispose]() {
      await instance.quit();
    },
  };
}

for (const threads of ["1", "2"]) {
  const how = threads === "1" ? "" : ` with ${threads} threads`;

  Deno.test(`each address of a name is a destination that comes and goes with it${how}`, async () => {
    await using all = servers(3);
    const { port } = all;
    const resolver = new FakeResolver().addresses("web", "127.0.0.1", "127.0.0.2");
    await using one = await start([`dns:web:${port},workers=4`], { resolver, threads });
    const [first, second, third] = LOCAL.map((address) => `web@${address}:${port}`);
    await one.leadsTo(first!, second!);
    const [before] = await one.destinations();
    assertEquals(before!.source, "web");
    assertEquals(before!.address, `127.0.0.1:${port}`);
    assertEquals(before!.limit, 4);
    const { listeners: [inForce] } = await one.instance.config();
    assertEquals(
      inForce!.destinations.map(({ id, name, options }) => [id, name, options.workers]),
      [["1.1", "web"], ["1.2", first], ["1.3", second]].map((of) => {
        return [...of, { value: "4", given: true }];
      }),
    );
    const answers = new Set<string>();
    await until(async () => {
      answers.add(await request(one.port, "?"));
      return answers.size === 2;
    }, "both have answered");
    resolver.addresses("web", "127.0.0.2", "127.0.0.3");
    await one.leadsTo(second!, third!);
    assertEquals((await one.destinations()).find(({ name }) => name === second)!.id, "1.3");
    resolver.addresses("web", "127.0.0.1");
    await one.leadsTo(first!);
    const [after] = await one.destinations();
    assertEquals(after!.id, before!.id);
    assertEquals(await request(one.port, "?"), "127.0.0.1");
  });

  Deno.test(`records stand in the order of the configuration where their name does${how}`, async () => {
    await using all = servers(3);
    const { port } = all;
    const options = { balance: "first", threads };
    await using one = await start([`dns:web:${port}`, `127.0.0.3:${port}`], options);
    assertEquals(await request(one.port, "?"), "127.0.0.3");
    one.resolver.addresses("web", "127.0.0.2");
    const names = [`web@127.0.0.2:${port}`, `127.0.0.3:${port}`];
    await one.leadsTo(...names);
    assertEquals(await request(one.port, "?"), "127.0.0.2");
    one.resolver.addresses("web", "127.0.0.1", "127.0.0.2");
    await one.leadsTo(`web@127.0.0.1:${port}`, ...names);
    one.resolver.addresses("web", "127.0.0.1");
    await one.leadsTo(`web@127.0.0.1:${port}`, names[1]!);
    assertEquals(await request(one.port, "?"), "127.0.0.1");
  });

  Deno.test(`sessions wait until a name leads somewhere${how}`, async () => {
    await using all = servers(1);
    await using one = await start([`dns:web:${all.port}`], { threads });
    const answered = request(one.port, "?");
    await until(async () => (await one.status()).waiting === 1, "it waits");
    assertEquals(await one.destinations(), []);
    const [name] = (await one.status()).names;
    assertEquals([name!.records, name!.last_error], [0, "no such name"]);
    one.resolver.addresses("web", "127.0.0.1");
    assertEquals(await answered, "127.0.0.1");
  });

  Deno.test(`a record that comes back has counted on${how}`, async () => {
    await using all = servers(2);
    const [first, second] = LOCAL.map((address) => `web@${address}:${all.port}`);
    const resolver = new FakeResolver().addresses("web", "127.0.0.1");
    await using one = await start([`dns:web:${all.port}`], { resolver, threads });
    await one.leadsTo(first!);
    for (let i = 0; i < 4; i++) assertEquals(await request(one.port, "?"), "127.0.0.1");
    resolver.addresses("web", "127.0.0.2");
    await one.leadsTo(second!);
    await until(async () => (await one.destinations()).length === 1, "the first one is gone");
    resolver.addresses("web", "127.0.0.1");
    await one.leadsTo(first!);
    const record = (await one.destinations()).find(({ name }) => name === first)!;
    assertEquals(record.sessions, 4);
    assert(record.bytes_down >= 4 * "127.0.0.1".length);
  });
}

Deno.test("failures keep the last records, which go on serving", async () => {
  await using all = servers(1);
  const resolver = new FakeResolver().addresses("web", "127.0.0.1");
  await using one = await start([`dns:web:${all.port}`], { resolver });
  await one.leadsTo(`web@127.0.0.1:${all.port}`);
  resolver.fails("web");
  await until(async () => (await one.status()).names[0]!.failures >= 1, "a look-up has failed");
  assertEquals(await request(one.port, "?"), "127.0.0.1");
  const [name] = (await one.status()).names;
  assertEquals(name!.last_error, "the server says SERVFAIL");
  assertEquals(name!.records, 1);
  assert(name!.age_ms! >= 0);
});

Deno.test("--resolve-empty drain drains what an empty answer takes away", async () => {
  await using server = new TestServer(echo);
  const resolver = new FakeResolver().addresses("web", "127.0.0.1");
  await using one = await start([`dns:web:${server.port}`], { resolver, resolveEmpty: "drain" });
  await one.leadsTo(`web@127.0.0.1:${server.port}`);
  using client = await Deno.connect({ port: one.port });
  await client.write(new TextEncoder().encode("before"));
  await client.read(new Uint8Array(6));
  resolver.addresses("web");
  await one.leadsTo();
  assertEquals(await one.shown(), [`web@127.0.0.1:${server.port} drain*`]);
  // It finishes what it has.
  await client.write(new TextEncoder().encode("after."));
  const answered = new Uint8Array(6);
  await client.read(answered);
  assertEquals(new TextDecoder().decode(answered), "after.");
  client.closeWrite();
  await until(async () => (await one.destinations()).length === 0, "it is gone");
});

Deno.test("a service's weights and priorities are in force, and change without a session ending", async () => {
  await using all = servers(3);
  const { port } = all;
  const web = "_web._tcp.example";
  const record = (priority: number, weight: number, i: number) => {
    return `${priority} ${weight} ${port} host${i}.example ${LOCAL[i]}`;
  };
  const resolver = new FakeResolver()
    .set("SRV", web, servicesOf([record(1, 10, 0), record(1, 20, 1), record(5, 0, 2)]));
  await using one = await start([`srv:${web},name=web`], { resolver });
  const [first, second, third] = LOCAL.map((address) => `web@${address}:${port}`);
  await one.leadsTo(first!, second!, third!);
  const weights = async () => {
    return (await one.destinations()).map(({ weight, tier }) => `${weight} tier ${tier}`);
  };
  assertEquals(await weights(), ["1 tier 0", "2 tier 0", "1 tier 1"]);
  for (let i = 0; i < 6; i++) await request(one.port, "?");
  const before = await one.destinations();
  resolver.set("SRV", web, servicesOf([record(1, 30, 0), record(1, 10, 1), record(0, 0, 2)]));
  await until(async () => (await weights())[2] === "1 tier 0", "the tiers have changed");
  assertEquals(await weights(), ["3 tier 1", "1 tier 1", "1 tier 0"]);
  const after = await one.destinations();
  assertEquals(
    after.map(({ id, sessions }) => [id, sessions]),
    before.map((d) => [d.id, d.sessions]),
  );
  assertEquals(await request(one.port, "?"), "127.0.0.3");
});

Deno.test("what an operator wants of a record, or of all, stays over its coming and going", async () => {
  await using all = servers(3);
  const [first, second, third] = LOCAL.map((address) => `web@${address}:${all.port}`);
  const resolver = new FakeResolver().addresses("web", "127.0.0.1", "127.0.0.2");
  await using one = await start([`dns:web:${all.port}`], { resolver });
  await one.leadsTo(first!, second!);
  await one.instance.changeDestination(await one.id(first!), { state: "maint" });
  resolver.addresses("web", "127.0.0.2");
  await one.leadsTo(second!);
  resolver.addresses("web", "127.0.0.1", "127.0.0.2");
  await one.leadsTo(first!, second!);
  const stateOf = async (name: string | undefined) => {
    return (await one.destinations()).find((one) => one.name === name)!.state;
  };
  assertEquals(await stateOf(first), "maint");
  const drained = await one.instance.changeDestination(await one.id("web"), { state: "drain" });
  assertEquals([drained.name, drained.state, drained.admin], ["web", "drain", "drain"]);
  resolver.addresses("web", ...LOCAL);
  await one.leadsTo(first!, second!, third!);
  assertEquals(await Promise.all([first, second, third].map(stateOf)), ["drain", "drain", "drain"]);
  await one.instance.changeDestination(await one.id(third!), { state: "ready" });
  assertEquals(await request(one.port, "?"), "127.0.0.3");
  await one.instance.changeDestination(await one.id("web"), { state: "ready" });
  assertEquals((await one.status()).names[0]!.admin, "ready");
  await until(async () => await stateOf(first) === "up", "the first one is tried again");
});

Deno.test("options of a record count until it tells others; those of a name count for all", async () => {
  await using all = servers(2);
  const web = "_web._tcp.example";
  const record = (weight: number, i: number) => `1 ${weight} ${all.port} h${i} ${LOCAL[i]}`;
  const resolver = new FakeResolver().set("SRV", web, servicesOf([record(1, 0), record(2, 1)]));
  await using one = await start([`srv:${web},name=web`], { resolver });
  const [first, second] = LOCAL.map((address) => `web@${address}:${all.port}`);
  await one.leadsTo(first!, second!);
  const options = async () => (await one.destinations()).map((d) => `${d.weight}/${d.limit}`);
  const changed = await one.instance.changeDestination(await one.id(first!), {
    weight: 9,
    workers: 7,
  });
  assertEquals([changed.weight, changed.limit], [9, 7]);
  await one.instance.changeDestination(await one.id("web"), { workers: 5 });
  assertEquals(await options(), ["9/7", "2/5"]);
  resolver.set("SRV", web, servicesOf([record(1, 0), record(3, 1)]));
  await until(async () => (await options())[1] === "3/5", "the second one has changed");
  assertEquals(await options(), ["9/7", "3/5"]);
  resolver.set("SRV", web, servicesOf([record(3, 0), record(2, 1)]));
  await until(async () => (await options())[1] === "2/5", "both have changed");
  assertEquals(await options(), ["3/7", "2/5"]);
  const { changes } = await one.reload([`srv:${web},name=web`]);
  assertEquals(changes, [
    "destination web: workers 5 → 256",
    `destination ${first}: workers 7 → 256`,
  ]);
  assertEquals(await options(), ["3/256", "2/256"]);
});

Deno.test("a name that a reload leaves alone is not touched, one that is new or gone is", async () => {
  await using all = servers(2);
  const { port } = all;
  const resolver = new FakeResolver().addresses("web", "127.0.0.1").addresses("app", "127.0.0.2");
  await using one = await start([`dns:web:${port}`], { resolver });
  await one.leadsTo(`web@127.0.0.1:${port}`);
  for (let i = 0; i < 3; i++) await request(one.port, "?");
  const [before] = await one.destinations();
  assertEquals((await one.reload([`dns:web:${port}`])).changes, []);
  const { changes } = await one.reload([`dns:web:${port},workers=9`, `dns:app:${port}`]);
  assertEquals(changes, ["destination web: workers 256 → 9", "destination app added"]);
  await one.leadsTo(`web@127.0.0.1:${port}`, `app@127.0.0.2:${port}`);
  const [after] = await one.destinations();
  assertEquals([after!.id, after!.sessions, after!.limit], [before!.id, 3, 9]);
  await one.reload([`dns:app:${port}`]);
  await one.leadsTo(`app@127.0.0.2:${port}`);
  const later = resolver.asked.length;
  await until(() => resolver.asked.slice(later).includes("A app"), "it is looked up again");
  assert(!resolver.asked.slice(later).includes("A web"), "nobody asks for what is gone");
});

Deno.test("names are added and removed while it runs, their records are not", async () => {
  await using all = servers(2);
  const { port } = all;
  const resolver = new FakeResolver().addresses("web", "127.0.0.1", "127.0.0.2");
  await using one = await start([`127.0.0.1:${port}`], { resolver });
  const added = await one.instance.addDestination({ address: `dns:web:${port}`, workers: 3 });
  assertEquals([added.name, added.address, added.state], ["web", `dns:web:${port}`, "untried"]);
  const records = LOCAL.slice(0, 2).map((address) => `web@${address}:${port}`);
  await one.leadsTo(`127.0.0.1:${port}`, ...records);
  const refused = await assertRejects(
    async () => await one.instance.removeDestination(await one.id(records[0]!)),
    OperationError,
  );
  assertEquals(refused.kind, "conflict");
  assertStringIncludes(refused.message, `${records[0]} is there because web leads to it`);
  await assertRejects(
    async () => await one.instance.changeDestination(await one.id(records[0]!), { name: "x" }),
    OperationError,
    "is called after its name and address",
  );
  await assertRejects(
    () => one.instance.addDestination({ address: `dns:WEB:${port}` }),
    OperationError,
    "is the same as",
  );
  await assertRejects(
    () => one.instance.addDestination({ address: "srv:_x._tcp.web", weight: 3 }),
    OperationError,
    "has a weight, which each record of srv: tells itself",
  );
  await one.instance.removeDestination(added.id);
  await one.leadsTo(`127.0.0.1:${port}`);
  assertEquals((await one.status()).names, []);
  await one.instance.addDestination({ address: `dns:web:${port}` });
  await one.instance.removeDestination("1.1");
  await assertRejects(
    () => one.instance.removeDestination(added.id),
    OperationError,
    "is the last",
  );
});

Deno.test("a drain ends while a name server says nothing, and asks nobody after that", async () => {
  const resolver = new FakeResolver();
  resolver.set("A", "web", new Promise(() => {})).set("AAAA", "web", new Promise(() => {}));
  const one = await start(["dns:web:80"], { resolver });
  await until(() => resolver.open === 2, "it is asked");
  assert(await one.instance.drain());
  assert(resolver.closed);
  await until(() => resolver.open === 0, "the questions are given up");
});

Deno.test("1,000 records come at once and go, while a session goes on without a pause", async () => {
  await using server = new TestServer(echo);
  const many = Array.from({ length: 999 }, (_, i) => `127.9.${i >> 8}.${i & 255}`);
  const resolver = new FakeResolver().addresses("web", "127.0.0.1");
  await using one = await start([`dns:web:${server.port}`], { resolver });
  await one.leadsTo(`web@127.0.0.1:${server.port}`);
  using client = await Deno.connect({ port: one.port });
  let longest = 0;
  let beats = 0;
  let over = false;
  const beating = (async () => {
    const beat = new Uint8Array(1);
    for (; !over; beats++) {
      const [begun, used] = [performance.now(), cpuTime()];
      await client.write(beat);
      await client.read(beat);
      // What others take of the machine is time that passes without any being used.
      longest = Math.max(longest, Math.min(performance.now() - begun, cpuTime() - used));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const number = async () => (await one.destinations()).filter((d) => !d.leaving).length;
  resolver.addresses("web", "127.0.0.1", ...many);
  await until(async () => await number() === 1000, "all are there");
  resolver.addresses("web", "127.0.0.1");
  await until(async () => await number() === 1, "they are gone");
  over = true;
  await beating;
  assert(beats > 10, `${beats} round trips`);
  assert(longest < 1000, `the longest round trip took ${longest} ms`);
});

Deno.test("10,000 different records one after the other leave no more than some thousands behind", async () => {
  await using all = servers(1);
  const { Numbers } = await import("../../src/program/destination_numbers.ts");
  const resolver = new FakeResolver();
  const config = configOf(["127.0.0.1:0", `dns:web:${all.port}`], {});
  const numbers = new Numbers(config);
  for (let i = 0; i < 10_000; i++) {
    const record = {
      ...configOf(["0", `10.0.${i >> 8}.${i & 255}:80`]).destinations[0]!,
      source: "web",
    };
    numbers.replace(undefined, record);
    numbers.replace(record, undefined);
  }
  assert(Object.keys(numbers.byKey).length <= 4097, `${Object.keys(numbers.byKey).length}`);
  assertEquals(resolver.asked, []);
});

Deno.test("a name that is added again begins anew: nothing of what an operator wanted of its records counts", async () => {
  await using all = servers(2);
  const { port } = all;
  const resolver = new FakeResolver().addresses("web", "127.0.0.1", "127.0.0.2");
  await using one = await start([`127.0.0.1:${port}`, `dns:web:${port}`], { resolver });
  const records = LOCAL.slice(0, 2).map((address) => `web@${address}:${port}`);
  for (const how of ["by the operator", "by a reload"]) {
    await one.leadsTo(`127.0.0.1:${port}`, ...records);
    const id = await one.id(records[0]!);
    await one.instance.changeDestination(id, { state: "drain", weight: 0 });
    if (how === "by a reload") await one.reload([`127.0.0.1:${port}`]);
    else await one.instance.removeDestination(await one.id("web"));
    await one.leadsTo(`127.0.0.1:${port}`);
    if (how === "by a reload") await one.reload([`127.0.0.1:${port}`, `dns:web:${port}`]);
    else await one.instance.addDestination({ address: `dns:web:${port}` });
    await one.leadsTo(`127.0.0.1:${port}`, ...records);
    const again = (await one.destinations()).find(({ name }) => name === records[0])!;
    assertEquals([again.id, again.admin, again.weight], [id, "ready", 1], how);
  }
});

Deno.test("--resolve-empty that a reload changes counts at once", async () => {
  await using all = servers(1);
  const { port } = all;
  const resolver = new FakeResolver().addresses("web", "127.0.0.1");
  await using one = await start([`dns:web:${port}`], { resolver });
  const record = `web@127.0.0.1:${port}`;
  await one.leadsTo(record);
  resolver.addresses("web");
  await until(async () => (await one.status()).names[0]!.last_error !== "", "it is empty");
  await one.leadsTo(record);
  await one.reload([`dns:web:${port}`], { resolveEmpty: "drain" });
  await one.leadsTo();
  await one.reload([`dns:web:${port}`], { resolveEmpty: "keep" });
  resolver.addresses("web", "127.0.0.1");
  await one.leadsTo(record);
  assertEquals(await request(one.port, "?"), "127.0.0.1");
});

Deno.test("a name is up as long as one of its records is", async () => {
  await using all = servers(1);
  const { port } = all;
  const resolver = new FakeResolver().addresses("web", "127.0.0.1", "127.0.0.2");
  await using one = await start([`dns:web:${port}`], { resolver });
  const [up, down] = LOCAL.map((address) => `web@${address}:${port}`);
  await until(async () => (await one.shown()).includes(`${down} down`), "nobody listens there");
  await until(async () => (await one.shown()).includes(`${up} up`), "somebody listens there");
  const stateOf = async () => {
    const name = await one.instance.changeDestination(await one.id("web"), { workers: 3 });
    return name.state;
  };
  assertEquals(await stateOf(), "up");
  await one.instance.changeDestination(await one.id(down!), { state: "maint" });
  assertEquals(await stateOf(), "up");
  await one.instance.changeDestination(await one.id(up!), { state: "drain" });
  assertEquals(await stateOf(), "drain");
});

for (const threads of ["1", "2"]) {
  const how = threads === "1" ? "" : ` with ${threads} threads`;
  Deno.test(`who waits when a drain begins is served as soon as a name leads somewhere${how}`, async () => {
    await using all = servers(2);
    const { port } = all;
    const resolver = new FakeResolver().fails("web");
    await using one = await start([`dns:web:${port}`], { resolver, threads, drainTimeout: "20s" });
    const answered = request(one.port, "?");
    await until(async () => (await one.status()).waiting === 1, "a client waits");
    const drained = one.instance.drain();
    const before = resolver.asked.length;
    await until(() => resolver.asked.length > before + 2, "it is looked up during the drain");
    resolver.addresses("web", "127.0.0.2");
    assertEquals(await answered, "127.0.0.2");
    assertEquals(await drained, true);
    assert(resolver.closed);
    await until(() => resolver.open === 0, "nobody asks any more");
  });

  Deno.test(`records that come and go until the last moment of a drain leave nothing behind${how}`, async () => {
    await using all = servers(3);
    const { port } = all;
    for (let i = 0; i < (threads === "1" ? 20 : 5); i++) {
      const resolver = new FakeResolver().addresses("web", ...LOCAL);
      const one = await start([`dns:web:${port},check=tcp`], { resolver, threads });
      await one.leadsTo(...LOCAL.map((address) => `web@${address}:${port}`));
      const flapping = setInterval(() => {
        const some = LOCAL.filter(() => Math.random() < 0.5);
        resolver.addresses("web", ...some.length > 0 ? some : LOCAL);
      }, 1);
      const answers = await Promise.all([request(one.port, "?"), sleep(i * 3).then(() => "")]);
      assert(answers[0].startsWith("127."));
      assertEquals(await one.instance.drain(), true);
      clearInterval(flapping);
    }
  });
}
