import project from "../../deno.json" with { type: "json" };
import { LocalBalancer } from "../balancer/local_balancer.ts";
import { monotonic } from "../base/clock.ts";
import { FatalError, UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import type { Config } from "../config/config.ts";
import type { Logs } from "../logging/logs.ts";
import { type AcceptingSocket } from "../net/accepting_socket.ts";
import { formatSocketAddress, type SocketAddress } from "../net/address.ts";
import { isSelf } from "../net/address_relations.ts";
import { closed } from "../net/conduit.ts";
import { openStandardStream, type StandardStream } from "../net/standard_stream.ts";
import type { Stream } from "../net/stream.ts";
import { openDurations } from "../telemetry/opentelemetry.ts";
import { clientOfEnvironment } from "./client_environment.ts";
import type { Serving, Signals } from "./signals.ts";

/** What one client is served with. */
export interface OneClientOptions {
  readonly config: Config;
  /** Whether it waits for a destination to come back when none can be connected. */
  readonly waits: boolean;
  readonly logs: Logs;
  readonly signals: Signals;
}

/**
 * Serves the one client that standard input and output are, by the same balancer as those of a
 * listener, until its session has ended.
 *
 * @returns Whether it was served, or has left by itself.
 * @throws {UsageError} If a destination is where the client has connected to.
 * @throws {FatalError} If it is said who may come, and not known who the client is.
 */
export async function serveOneClient(options: OneClientOptions): Promise<boolean> {
  const { config, waits, logs, signals } = options;
  signals.holdStops();
  const startedAt = monotonic();
  const client = openStandardStream(clientOfEnvironment());
  refuseCircle(config, client.stream.localAddress);
  refuseUnknown(config, client.stream.remoteAddress);
  const socket = new OneConnection(client.stream);
  const balancer = await LocalBalancer.start(config, {
    ...logs,
    identity: { id: 1, name: config.name || "-", numbers: numbersOf(config) },
    durations: await openDurations(),
    only: { socket, waits },
  });
  // Before all destinations are there the first of them would get it, whatever the policy says.
  socket.connect();
  const ended = endOf(client, balancer);
  const serving: Serving = {
    ended,
    drain: () => balancer.drain(),
    quit: () => balancer.quit(),
    reload() {
      logs.log.info("there is nothing to read again: one client is served, and then it ends");
      return Promise.resolve();
    },
    status: () =>
      Promise.resolve({
        version: project.version,
        pid: Deno.pid,
        generation: 1,
        time: new Date().toISOString(),
        uptime_ms: monotonic() - startedAt,
        state: "running",
        log_lines_lost: { ...logs.linesLost },
        listeners: [balancer.status()],
        departed: [],
      }),
  };
  await signals.serve(serving, logs);
  const { outcomes } = balancer.totals;
  return outcomes.finished + outcomes["ended by clients"] > 0;
}

async function endOf(client: StandardStream, balancer: LocalBalancer): Promise<boolean> {
  await client.closed;
  return await balancer.drain();
}

/** Each client would start one more process, and so on. */
function refuseCircle(
  { configured, texts }: Config,
  { transport, ...where }: SocketAddress,
): void {
  if (transport !== "tcp" || !("hostname" in where)) return;
  for (const [index, one] of configured.entries()) {
    if (!("address" in one) || one.address.transport !== "tcp") continue;
    if (!isSelf({ transport, ...where }, one.address)) continue;
    throw new UsageError(
      `DESTINATION ${quote(texts.destinations[index]!)}: is ${
        formatSocketAddress({ transport, ...where })
      }, where the client has connected to, so that it would connect to itself; must be another ` +
        "port or host",
    );
  }
}

/** Where it is said who may come, nobody comes of whom nothing is known. */
function refuseUnknown({ rules }: Config, { transport }: SocketAddress): void {
  if (rules.length === 0 || transport === "tcp") return;
  throw new FatalError(
    "a client is not let in: --allow and --deny are given, and neither the runtime nor the " +
      "environment (REMOTE_ADDR, TCPREMOTEIP, REMOTE_HOST) tells its address",
  );
}

function numbersOf({ configured }: Config): Record<string, number> {
  return Object.fromEntries(configured.map(({ key }, i) => [key, i + 1]));
}

/** Accepts the one connection that there is, once {@linkcode OneConnection.connect} says so. */
class OneConnection implements AcceptingSocket {
  readonly address: SocketAddress;
  readonly #connecting = Promise.withResolvers<void>();
  readonly #closing = Promise.withResolvers<never>();
  #stream: Stream | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.address = stream.localAddress;
    this.#closing.promise.catch(() => {});
  }

  connect(): void {
    this.#connecting.resolve();
  }

  async accept(): Promise<Stream> {
    await Promise.race([this.#connecting.promise, this.#closing.promise]);
    const stream = this.#stream;
    this.#stream = undefined;
    return stream ?? await this.#closing.promise;
  }

  close(): void {
    this.#stream?.close();
    this.#closing.reject(closed());
  }
}
