// Draws docs/images/queue.svg and, where there is a Chromium, photographs the dashboard under load
// into docs/images/dashboard.png: deno run -A scripts/pictures.ts, then deno fmt docs
/// <reference lib="dom" />
import { findChromium, Tab } from "../tests/support/browser.ts";
import { Program } from "../tests/support/program.ts";
import { freePort, readAll, TestServer, writeAll } from "../tests/support/servers.ts";
import { queuePicture } from "./queue_picture.ts";

/** Clients that come back as soon as they were served, and how long there is load before the picture. */
const CLIENTS = 90;
const LOAD_MS = 60_000;

/** How many slots each destination has, and how long it takes for an answer, in milliseconds. */
const SERVERS = [
  { name: "app1", slots: 8, least: 40, most: 90 },
  { name: "app2", slots: 8, least: 40, most: 90 },
  { name: "app3", slots: 6, least: 60, most: 240 },
  { name: "old", slots: 4, least: 60, most: 240 },
  { name: "spare", slots: 8, least: 40, most: 90 },
];

const folder = new URL("../docs/images/", import.meta.url);

async function photographDashboard(path: URL): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const servers = SERVERS.map(({ least, most }) => {
    return stack.use(
      new TestServer((conn) => respond(conn, least + Math.random() * (most - least))),
    );
  });
  const destinations = servers.map(({ port }, i) => {
    const { name, slots } = SERVERS[i]!;
    return `${port},name=${name},workers=${slots}${name === "spare" ? ",backup" : ""}`;
  });
  const program = stack.use(
    await Program.spawn([
      "--admin",
      "127.0.0.1:0",
      "--queue",
      "256",
      "--name",
      "shop",
      `${freePort()}`,
      ...destinations,
    ]),
  );
  const address = /admin API on ([\d.:]+)/.exec(await program.logged(/admin API on /))![1]!;
  const tab = stack.use(
    await Tab.open(`http://${address}/`, { viewport: { width: 1180, height: 1150 } }),
  );
  const ending = new AbortController();
  const clients = Array.from({ length: CLIENTS }, (_, i) => visit(program.port, i, ending.signal));
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
  await tab.page.getByRole("button", { name: "drain old" }).click();
  await tab.shows("#health-detail", /1 in drain/);
  await tab.page.locator("#said").getByRole("button").click();
  await Deno.writeFile(path, await tab.page.screenshot());
  ending.abort();
  await Promise.all(clients);
}

/** Reads a request, works for a while, and answers with some kilobytes. */
async function respond(conn: Deno.Conn, ms: number): Promise<void> {
  await conn.read(new Uint8Array(1024));
  await new Promise((resolve) => setTimeout(resolve, ms));
  await writeAll(conn, new Uint8Array(4096 + Math.random() * 16384));
}

/** A client that comes again and again, more often in waves. */
async function visit(port: number, number: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const wave = 1 + Math.sin(performance.now() / 9000 + number / CLIENTS);
    await new Promise((resolve) => setTimeout(resolve, 60 * wave + 40 * Math.random()));
    try {
      using conn = await Deno.connect({ hostname: "127.0.0.1", port });
      await writeAll(conn, new TextEncoder().encode("GET / HTTP/1.1\r\nhost: example\r\n\r\n"));
      await readAll(conn);
    } catch {
      // The program ends.
    }
  }
}

if (import.meta.main) {
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(new URL("queue.svg", folder), queuePicture());
  if (findChromium() === undefined) {
    console.error("no Chromium here: the dashboard stays as it was");
  } else await photographDashboard(new URL("dashboard.png", folder));
}
