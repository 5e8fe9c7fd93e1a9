import { getLogger } from "@logtape/logtape";
import { parseAddress } from "../../src/net/address.ts";
import type { Limits } from "../../src/admin/limits.ts";
import { type AdminOptions, type AdminServer, serveAdmin } from "../../src/admin/server.ts";
import { RecentEvents } from "../../src/logging/recent_events.ts";
import type { LogEvent } from "../../src/operations/operations.ts";
import { FakeOperations } from "./fake_operations.ts";
import { readAll, writeAll } from "./servers.ts";

/** The admin API on a free port or a Unix-domain socket, in front of nothing. */
export class TestAdmin implements AsyncDisposable {
  readonly operations = new FakeOperations();
  readonly events = new CountedEvents();
  #server!: AdminServer;

  static async start(
    options: Partial<Omit<AdminOptions, "address" | "limits">> & {
      address?: string;
      limits?: Partial<Limits>;
    } = {},
  ): Promise<TestAdmin> {
    const admin = new TestAdmin();
    const { address = "127.0.0.1:0", ...rest } = options;
    admin.#server = await serveAdmin(admin.operations, {
      events: admin.events,
      log: getLogger("iawlb"),
      ...rest,
      address: parseAddress(address, { minPort: 0 }),
    });
    return admin;
  }

  /** As the log names it. */
  get address(): string {
    return this.#server.address;
  }

  /** Sends a request; JSON if there is a body, its headers may be given otherwise. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (init.body !== undefined && !headers.has("content-type")) {
      headers.set("content-type", "application/json");
    }
    return fetch(`http://${this.address}${path}`, { ...init, headers });
  }

  /** How many follow the log. */
  get subscribed(): number {
    return this.events.subscribed;
  }

  /** A new connection. */
  connect(): Promise<Deno.Conn> {
    const address = parseAddress(this.address, { minPort: 1 });
    return address.transport === "unix"
      ? Deno.connect({ transport: "unix", path: address.path })
      : Deno.connect({ hostname: address.hostname!, port: address.port });
  }

  /**
   * Sends a head as it is, lines without their ends, and a body. Returns the whole answer; the
   * server has to be asked to close the connection.
   */
  async raw(head: readonly string[], body = ""): Promise<string> {
    using conn = await this.connect();
    await writeAll(conn, new TextEncoder().encode(head.join("\r\n") + "\r\n\r\n" + body));
    return new TextDecoder().decode(await readAll(conn));
  }

  /** The status of the answer to such a request. */
  async rawStatus(head: readonly string[], body = ""): Promise<number> {
    return Number(/^HTTP\/1\.\d (\d+)/.exec(await this.raw(head, body))?.[1]);
  }

  close(): Promise<void> {
    return this.#server.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Events that know how many follow them. */
class CountedEvents extends RecentEvents {
  subscribed = 0;

  override subscribe(listener: (event: LogEvent) => void): () => void {
    this.subscribed++;
    const end = super.subscribe(listener);
    return () => {
      this.subscribed--;
      end();
    };
  }
}

/** The `error` of an answer, which must have this status. */
export async function errorOf(response: Response, status: number): Promise<string> {
  if (response.status !== status) {
    // Not read: it may have no end.
    await response.body?.cancel();
    throw new Error(`expected the status ${status}, got ${response.status}`);
  }
  const text = await response.text();
  const { error } = JSON.parse(text);
  if (typeof error !== "string" || error.includes("\n")) throw new Error(`no error line: ${text}`);
  return error;
}
