import type { Status } from "../../src/operations/operations.ts";
import type { MixedLoad, NamedEcho } from "./mixed_load.ts";
import type { Program } from "./program.ts";
import type { Random } from "./random.ts";

/** A listener as the operator wants it. */
export interface Site {
  port: number;
  /** The first one is always ready, so that no session has a reason to be lost. */
  echoes: readonly NamedEcho[];
}

const READY = { workers: 2, weight: 1 };

/** An operator who does something at random all the time, through the file and the admin API. */
export class RandomOperator {
  operations = 0;
  readonly #program: Program;
  readonly #admin: string;
  readonly #path: string;
  readonly #sites: readonly Site[];
  /** Listens or not, as the file says at the moment. */
  readonly #guest: Site;
  readonly #load: MixedLoad;
  readonly #random: Random;
  readonly #threads: number;
  /** Answers that should not have been. */
  readonly surprises: string[] = [];

  constructor(options: {
    program: Program;
    admin: string;
    path: string;
    sites: readonly Site[];
    guest: Site;
    load: MixedLoad;
    random: Random;
    threads: number;
  }) {
    this.#program = options.program;
    this.#admin = options.admin;
    this.#path = options.path;
    this.#sites = options.sites;
    this.#guest = options.guest;
    this.#load = options.load;
    this.#random = options.random;
    this.#threads = options.threads;
  }

  /** Does one thing after the other until the load is stopped. */
  async work(): Promise<void> {
    const all: (() => Promise<unknown>)[] = [
      () => this.#reload(),
      () => this.#reload(),
      () => this.#signal(),
      () => this.#signal(),
      () => this.#change(),
      () => this.#change(),
      () => this.#change(),
      () => this.#add(),
      () => this.#remove(),
      () => this.#endSession(),
      () => this.#look(),
      () => this.#follow(),
      () => this.#killOrStart(),
    ];
    while (!this.#load.stopped) {
      await this.#random.pick(all)();
      this.operations++;
      await new Promise((resolve) => setTimeout(resolve, this.#random.below(40)));
    }
  }

  /** Leaves everything as it was at the start. */
  async settle(): Promise<void> {
    for (const { echoes } of [...this.#sites, this.#guest]) for (const echo of echoes) echo.start();
    await Deno.writeTextFile(this.#path, settledFile(this.#sites, this.#threads));
    await this.ask("POST", "/reload", undefined, [200]);
    for (const { state, destinations } of (await this.status()).listeners) {
      for (const { id, leaving } of destinations) {
        if (state === "running" && !leaving) {
          await this.ask("PATCH", `/destinations/${id}`, { state: "ready" }, [200]);
        }
      }
    }
  }

  async status(): Promise<Status> {
    return await (await fetch(`http://${this.#admin}/status`)).json();
  }

  /** Asks for something; an answer with another status is a surprise. */
  async ask(method: string, path: string, body: unknown, expected: number[]): Promise<string> {
    const headers: HeadersInit = method === "POST" || method === "PATCH"
      ? { "content-type": "application/json" }
      : {};
    const init = { method, headers, body: body === undefined ? null : JSON.stringify(body) };
    const response = await fetch(`http://${this.#admin}${path}`, init);
    const text = await response.text();
    if (!expected.includes(response.status)) {
      this.surprises.push(`${method} ${path} ${JSON.stringify(body)}: ${response.status} ${text}`);
    }
    return text;
  }

  async #reload(): Promise<void> {
    await this.#write();
    // Which of the operators' files it is cannot be known; a guest's port may not be free yet.
    await this.ask("POST", "/reload", undefined, [200, 422, 409]);
  }

  async #signal(): Promise<void> {
    await this.#write();
    const times = this.#random.chance(0.1) ? 100 : 1;
    for (let i = 0; i < times; i++) this.#program.signal("SIGHUP");
  }

  /** Writes another file, which may be broken. */
  async #write(): Promise<void> {
    const broken = this.#random.chance(0.1);
    const sites = this.#random.chance(0.5) ? this.#sites : [...this.#sites, this.#guest];
    await Deno.writeTextFile(
      this.#path,
      broken
        ? "queue = \nnonsense"
        : randomFile(sites, { random: this.#random, threads: this.#threads }),
    );
  }

  async #destination(): Promise<{ id: string; first: boolean; name: string } | undefined> {
    const { listeners } = await this.status();
    const listener = this.#random.pick(listeners);
    const { id, name } = this.#random.pick(listener.destinations);
    const first = [...this.#sites, this.#guest].some(({ echoes }) => echoes[0]!.address === name);
    return { id, first, name };
  }

  async #change(): Promise<void> {
    const destination = await this.#destination();
    if (!destination) return;
    const { id, first } = destination;
    const { workers, weight } = READY;
    const change: Record<string, unknown> = {};
    if (this.#random.chance(0.5)) change.workers = workers + this.#random.below(20);
    if (this.#random.chance(0.3)) change.weight = weight + this.#random.below(5);
    if (!first) change.state = this.#random.pick(["ready", "ready", "drain", "maint"]);
    if (Object.keys(change).length === 0) return;
    await this.ask("PATCH", `/destinations/${id}`, change, [200, 404]);
  }

  async #add(): Promise<void> {
    const site = this.#random.pick([...this.#sites, this.#guest]);
    const { address } = this.#random.pick(site.echoes);
    const body = {
      listener: `127.0.0.1:${site.port}`,
      address,
      workers: 2 + this.#random.below(9),
    };
    // It may be there already, or its listener may not.
    await this.ask("POST", "/destinations", body, [201, 422]);
  }

  async #remove(): Promise<void> {
    const destination = await this.#destination();
    if (!destination || destination.first) return;
    await this.ask("DELETE", `/destinations/${destination.id}`, undefined, [202, 404, 409]);
  }

  async #endSession(): Promise<void> {
    const text = await this.ask("GET", "/sessions?limit=1000", undefined, [200]);
    const { sessions } = JSON.parse(text) as { sessions: { id: string; client: string }[] };
    if (sessions.length === 0) return;
    const { id, client } = this.#random.pick(sessions);
    this.#load.ended.add(client);
    await this.ask("DELETE", `/sessions/${id}`, undefined, [204, 404]);
  }

  async #look(): Promise<void> {
    const path = this.#random.pick(["/", "/healthz", "/status", "/metrics", "/openapi.json"]);
    await this.ask("GET", path, undefined, path === "/healthz" ? [200, 503] : [200]);
    if (this.#random.chance(0.3)) this.#program.signal("SIGUSR1");
  }

  /** Follows the events for a while, or does not read them and leaves. */
  async #follow(): Promise<void> {
    const leave = new AbortController();
    const response = await fetch(`http://${this.#admin}/events`, { signal: leave.signal });
    const reader = response.body!.getReader();
    const reads = this.#random.pick([0, 1, 20]);
    const timer = setTimeout(() => leave.abort(), this.#random.below(2000));
    try {
      for (let i = 0; i < reads; i++) if ((await reader.read()).done) break;
    } catch {
      // It has left.
    }
    clearTimeout(timer);
    leave.abort();
    await reader.cancel().catch(() => {});
  }

  async #killOrStart(): Promise<void> {
    const { echoes } = this.#random.pick(this.#sites);
    const echo = this.#random.pick(echoes.slice(1));
    if (echo.running) {
      if (this.#random.chance(0.5)) await echo.kill();
    } else echo.start();
  }
}

/** A file in which everything that can change is chosen at random. */
function randomFile(
  sites: readonly Site[],
  { random, threads }: { random: Random; threads: number },
): string {
  return sites.map(({ port, echoes }) => {
    const kept = echoes.filter((_, i) => i === 0 || random.chance(0.6));
    const destinations = kept.map(({ address }, i) => {
      const backup = i > 0 && random.chance(0.1) ? ",backup" : "";
      const workers = random.chance(0.5) ? `,workers=${2 + random.below(10)}` : "";
      return `"${address}${workers},weight=${1 + random.below(4)}${backup}"`;
    });
    return table(port, {
      destinations,
      threads,
      queue: 2 + random.below(50),
      workers: 2 + random.below(10),
      "max-connections": random.pick([0, 10, 30, 1000]),
      "max-per-ip": threads === 1 ? random.pick([0, 0, 100_000]) : 0,
      check: random.pick(["off", "off", "tcp"]),
      "check-interval": random.pick(["50ms", "1s"]),
      "slow-start": random.pick(["0", "300ms"]),
      fall: random.pick([0, 2]),
      redispatch: random.pick(["held", "unsent"]),
      "idle-timeout": random.pick(["1m", "10m"]),
      "connect-timeout": random.pick(["1s", "5s"]),
      "batch-size": random.pick([0, 1, 16]),
      "batch-delay": random.pick(["0", "2ms"]),
    });
  }).join("\n");
}

/** The file at the start and at the end. */
export function settledFile(sites: readonly Site[], threads: number): string {
  return sites.map(({ port, echoes }) => {
    const destinations = echoes.map(({ address }) => `"${address}"`);
    return table(port, { destinations, threads, workers: 8 });
  }).join("\n");
}

function table(port: number, values: Record<string, unknown>): string {
  const { destinations, ...rest } = values as { destinations: string[] };
  const lines = Object.entries(rest).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [
    "[[listener]]",
    `listen = "127.0.0.1:${port}"`,
    `destinations = [${destinations.join(", ")}]`,
    'retries = 50\nqueue-timeout = "1m"',
    ...lines,
  ].join("\n");
}
