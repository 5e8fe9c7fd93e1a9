/// <reference lib="dom" />
import { assertEquals } from "@std/assert";
import { findChromium, Tab } from "../support/browser.ts";
import { Program } from "../support/program.ts";
import { discard, echo, request, TestServer, until } from "../support/servers.ts";

const CHROMIUM = findChromium();

/** The real program, its dashboard in a real browser, and servers behind. */
interface Scene {
  program: Program;
  tab: Tab;
  servers: TestServer[];
  /** Connects that many clients, who send nothing and stay. */
  connect(number: number): Promise<Deno.TcpConn[]>;
}

function onDashboard(
  name: string,
  test: (scene: Scene) => Promise<void>,
  options: { args?: string[]; handle?: (conn: Deno.Conn) => Promise<void> } = {},
) {
  Deno.test({
    name: CHROMIUM ? `dashboard: ${name}` : `dashboard: ${name} (skipped: no Chromium here)`,
    ignore: !CHROMIUM,
    fn: async () => {
      const { args = [], handle = echo } = options;
      await using stack = new AsyncDisposableStack();
      const servers = [1, 2].map(() => stack.use(new TestServer(handle)));
      const addresses = servers.map(({ address }) => address);
      const program = stack.use(
        await Program.start(addresses, ["--admin", "127.0.0.1:0", "--workers", "2", ...args]),
      );
      const address = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
      const tab = stack.use(await Tab.open(`http://${address}/`));
      const connect = async (number: number) => {
        const conns = Array.from({ length: number }, async () =>
          stack.adopt(
            await Deno.connect({ hostname: "127.0.0.1", port: program.port }),
            (conn) => tryClose(conn),
          ));
        return await Promise.all(conns);
      };
      await test({ program, tab, servers, connect });
      assertEquals(tab.complaints, []);
      assertEquals(tab.strangers, []);
    },
  });
}

function tryClose(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch {
    // The test has closed it.
  }
}

/** The row of a destination. */
function row(server: TestServer): string {
  return `.destinations tbody tr:has-text("${server.address}")`;
}

onDashboard("the line of the real program", async ({ tab, connect }) => {
  await tab.shows("#health-title", /^Healthy$/);
  await tab.shows(".queue .reading", /^Nobody waits/);
  const clients = await connect(9);
  await tab.shows(".queue .reading", /^5 waiting/);
  await tab.shows("#service-title", /^4 of 4 busy$/);
  await tab.shows('[data-chart="queue"] .y-top', /^5$/);
  for (const client of clients.slice(0, 8)) client.close();
  await tab.shows(".queue .reading", /^Nobody waits/);
  await tab.shows("#service-title", /^1 of 4 busy$/);
  await tab.shows('[data-chart="wait"] .keys', /p99 \d/);
}, { handle: discard });

onDashboard("a destination that goes down is soon seen", async (scene) => {
  const { program, tab, servers: [first] } = scene;
  await tab.shows("#health-title", /^Healthy$/);
  first!.stopListening();
  for (let i = 0; i < 4; i++) await request(program.port, "hello");
  await program.logged(/ down/);
  await tab.shows("#health-title", new RegExp(`^${first!.address} is down for `));
  await tab.shows(`${row(first!)} .state`, /^down for/);
});

onDashboard(
  "the menu of a destination drains it and takes it back",
  async ({ program, tab, servers }) => {
    const [first, second] = servers;
    await tab.page.getByRole("button", { name: `${first!.address}: In service` }).click();
    await tab.page.getByRole("menuitemradio", { name: /^Drain/ }).click();
    await tab.shows(`${row(first!)} .state`, /^drain for/);
    const before = first!.accepted;
    for (let i = 0; i < 6; i++) assertEquals(await request(program.port, "hello"), "hello");
    assertEquals([first!.accepted, second!.accepted], [before, 6]);
    await tab.page.getByRole("button", { name: `${first!.address}: Drain` }).focus();
    for (const key of ["Enter", "Home", "Enter"]) await tab.page.keyboard.press(key);
    await tab.shows(`${row(first!)} .state`, /^up for/);
    await until(async () => {
      await request(program.port, "hello");
      return first!.accepted > before;
    }, "it serves again");
  },
);

onDashboard("a session is ended by its button", async ({ program, tab, connect }) => {
  await connect(1);
  await tab.page.getByText("List live sessions").click();
  await tab.page.getByRole("button", { name: /^end session/ }).click();
  await tab.shows("#said", /was ended/);
  const [entry] = await program.entries(1);
  assertEquals(entry!.reason as string, "killed");
});

onDashboard("drain and end drains the program, and the page says so", async (scene) => {
  const { program, tab, connect } = scene;
  const [client] = await connect(1);
  await tab.shows("#service-title", /^1 of 4 busy$/);
  await tab.page.getByRole("button", { name: "Program" }).click();
  await tab.page.getByRole("menuitem", { name: "Drain and end…" }).click();
  await tab.page.getByRole("dialog").getByRole("button", { name: "Drain and end" }).click();
  await tab.shows("#health-title", /^Draining: 1 session to finish$/);
  client!.close();
  assertEquals(await program.ended(), 0);
  await tab.shows("#banner", /Ended as planned: the program has drained and is gone/);
  tab.forgive(/ERR_/);
});

const TOKEN = "a-token-of-the-test-with-enough-characters";

Deno.test({
  name: "dashboard: the page asks for the token of the program",
  ignore: !CHROMIUM,
  fn: async () => {
    await using server = new TestServer(echo);
    const file = await Deno.makeTempFile();
    try {
      await Deno.writeTextFile(file, TOKEN);
      await using program = await Program.start([server.address], [
        ...["--admin", "127.0.0.1:0"],
        ...["--admin-token-file", file],
      ]);
      const address = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
      await using tab = await Tab.open(`http://${address}/`);
      await tab.page.getByLabel("Token").fill(TOKEN);
      await tab.page.keyboard.press("Enter");
      await tab.shows("#health-title", /^Healthy$/);
      tab.forgive(/status of 401/);
      assertEquals(tab.complaints, []);
    } finally {
      await Deno.remove(file);
    }
  },
});
