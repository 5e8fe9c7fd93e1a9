import { assertEquals } from "@std/assert";
import { configure, getLogger, reset } from "@logtape/logtape";
import { ThreadedBalancer } from "../../src/threads/threaded_balancer.ts";
import { configOf } from "../support/config.ts";
import { quietLogs } from "../support/logs.ts";
import { allGone, childrenOf, hasProc, reaped } from "../support/process.ts";
import { request, until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const ACCEPTING = "service:echo,processes=accept";

Deno.test({
  ...unless("a process that says nothing is killed, and another one takes its place", {
    "there is no /proc": !hasProc,
  }),
  fn: async () => {
    const records: string[] = [];
    await configure({
      sinks: { records: (record) => records.push(record.message.join("")) },
      loggers: [{ category: "test", sinks: ["records"] }, { category: "logtape", sinks: [] }],
    });
    const before = childrenOf(Deno.pid);
    const balancer = await ThreadedBalancer.start({
      config: configOf(["127.0.0.1:0", `${ACCEPTING},workers=2`], { threads: "2" }),
      identity: { id: 1, name: "127.0.0.1:0", numbers: { [ACCEPTING]: 1 } },
      logs: { ...quietLogs(), log: getLogger("test") },
      limits: { lookMs: 100, silentLooks: 20, answerLooks: 600 },
    });
    const ours = () => childrenOf(Deno.pid).filter((pid) => !before.includes(pid));
    try {
      const [hanging] = ours();
      Deno.kill(hanging!, "SIGSTOP");
      await allGone([hanging!]);
      await until(() => records.some((line) => /\d serves again/.test(line)), "another one serves");
      const told = records.filter((line) =>
        line.includes("has said nothing for 2 s, and is killed")
      );
      assertEquals([told.length, ours().length, balancer.responsive], [1, 2, true]);
      const port = Number(balancer.address.split(":").at(-1));
      for (let i = 0; i < 8; i++) assertEquals(await request(port, "x"), "x");
    } finally {
      const left = ours();
      await balancer.quit();
      await reaped(left);
      await reset();
    }
  },
});
