import { assert, assertEquals, assertRejects } from "@std/assert";
import { getLogger } from "@logtape/logtape";
import type { ExecAddress } from "../../src/config/exec_address.ts";
import { ExecConnector } from "../../src/destinations/exec_connector.ts";
import { DialError } from "../../src/net/dial.ts";
import { hasProc } from "../support/process.ts";
import { livingWith } from "../support/processes.ts";
import { until } from "../support/servers.ts";
import { unless } from "../support/unless.ts";

const CONNECTOR = new URL("../../src/destinations/exec_connector.ts", import.meta.url).href;

function connectorTo(...command: readonly [string, ...string[]]): ExecConnector {
  const settings = { user: "", group: "", argv0: "" };
  const address: ExecAddress = { transport: "exec", command, settings };
  const context = { log: getLogger(["test", "quiet"]), grace: () => 100 };
  return new ExecConnector(address, { destination: { name: "it" }, context });
}

const never = () => ({ signal: new AbortController().signal, timeout: 0 });

Deno.test("what is wrong with a program is told, by a probe as by a start", async () => {
  const file = await Deno.makeTempFile();
  const cases: [string, RegExp][] = [
    ["/no/such/file", /^exec:\/no\/such\/file: there is no such file$/],
    ["no-such-program-anywhere", /no program of this name is found in PATH/],
    ["/etc", /it is no regular file/],
    [file, /its file is not executable/],
  ];
  for (const [program, pattern] of cases) {
    const connector = connectorTo(program);
    for (const how of [() => connector.probe(), () => connector.connect(never())]) {
      const error = await assertRejects(how, DialError);
      assert(pattern.test(error.message), error.message);
      assertEquals(error.fault, "gone");
    }
    connector.close();
  }
  const cat = connectorTo("cat");
  await cat.probe();
  await Deno.writeTextFile(file, "#!/no/such/interpreter\n");
  await Deno.chmod(file, 0o755);
  const broken = connectorTo(file);
  await assertRejects(() => broken.connect(never()), DialError);
  for (const connector of [cat, broken]) connector.close();
  await Deno.remove(file);
});

Deno.test("a connection is over when its process is, which is told how", async () => {
  const connector = connectorTo("/bin/sh", "-c", "exit 7");
  const stream = await connector.connect(never());
  assertEquals(await stream.read(new Uint8Array(1)), 0);
  stream.close();
  assertEquals((await stream.settled)?.code, 7);
  connector.close();
});

Deno.test("for nobody there is nothing in the environment", async () => {
  const connector = connectorTo("/usr/bin/env");
  const stream = await connector.connect(never());
  assertEquals(await stream.read(new Uint8Array(100)), 0);
  stream.close();
  await stream.settled;
  connector.close();
});

Deno.test({
  ...unless("the end of iawlb kills what ignores everything else", { "no /proc": !hasProc }),
  async fn() {
    const mark = `mark-${crypto.randomUUID()}`;
    const script = `
      import { ExecConnector } from "${CONNECTOR}";
      const settings = { user: "", group: "", argv0: "" };
      const command = ["/bin/bash", "-c", "trap '' TERM HUP; echo; while :; do sleep 1; done", "${mark}"];
      const connector = new ExecConnector({ transport: "exec", command, settings }, {
        destination: { name: "it" },
        context: { log: { info() {} }, grace: () => 100 },
      });
      const { signal } = new AbortController();
      const stream = await connector.connect({ signal, timeout: 0 });
      await stream.read(new Uint8Array(10));
      Deno.exit(0);`;
    const config = new URL("../../deno.json", import.meta.url).pathname;
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--config", config, "--no-check", script],
      stderr: "piped",
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    await until(() => livingWith(mark).length === 0, "it is gone");
  },
});
