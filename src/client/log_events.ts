import { FatalError } from "../base/errors.ts";
import { after, sleep } from "../base/timer.ts";
import type { LogEvent } from "../operations/operations.ts";
import type { AdminClient } from "./admin_client.ts";
import { mayPass, RETRY_MS } from "./feed.ts";
import { isLogEvent, isStatus } from "./shapes.ts";

/** The latest lines of the log. @throws {FatalError} If the program cannot be asked. */
export async function* logEvents(client: AdminClient): AsyncGenerator<LogEvent, void> {
  for await (const next of heard(client)) {
    if (next.kind === "status") return;
    yield next.event;
  }
  throw new FatalError(`${client.name} has told nothing`);
}

/**
 * The same, and then those that come, also after the program was gone: of what it tells again each
 * line counts once.
 *
 * @param onLost Called with the reason each time when the program is gone.
 * @throws {FatalError} If it cannot be reached at first, or what answers never will be it.
 */
export async function* moreLogEvents(
  client: AdminClient,
  onLost: (why: string) => void,
): AsyncGenerator<LogEvent, void> {
  let last: string | undefined;
  let known: "never" | "now" | "lost" = "never";
  for (;;) {
    // What was logged before comes before the first status.
    let past: LogEvent[] | undefined = [];
    let why = `${client.name} has ended the connection`;
    try {
      for await (const next of heard(client)) {
        let events: readonly LogEvent[] = [];
        if (next.kind === "log" && past) past.push(next.event);
        else if (next.kind === "log") events = [next.event];
        else {
          known = "now";
          if (past) events = past.slice(past.map(textOf).lastIndexOf(last ?? "") + 1);
          past = undefined;
        }
        for (const event of events) {
          last = textOf(event);
          yield event;
        }
      }
      if (known === "never") throw new FatalError(`${client.name} has told nothing`);
    } catch (error) {
      if (known === "never" || !mayPass(error)) throw error;
      why = error.message;
    }
    if (known === "now") onLost(why);
    known = "lost";
    await sleep(RETRY_MS);
  }
}

type Heard = { readonly kind: "log"; readonly event: LogEvent } | { readonly kind: "status" };

/** What one connection tells. @throws {FatalError} If it tells no status in time. */
async function* heard(client: AdminClient): AsyncGenerator<Heard, void> {
  const { patience } = client;
  const late = new AbortController();
  const watch = () => after(patience, () => late.abort());
  let timer = watch();
  try {
    for await (const { type, data } of client.events(late.signal)) {
      const value = parsed(data);
      if (type === "log" && isLogEvent(value)) yield { kind: "log", event: value };
      if (type !== "status" || !isStatus(value)) continue;
      timer.stop();
      yield { kind: "status" };
      timer = watch();
    }
    if (!late.signal.aborted) return;
    throw new FatalError(`${client.name} has told no status for ${patience / 1000} s`);
  } finally {
    timer.stop();
  }
}

function textOf(event: LogEvent): string {
  return JSON.stringify(event);
}

function parsed(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}
