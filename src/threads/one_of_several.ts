import { LocalBalancer } from "../balancer/local_balancer.ts";
import { collectWhenQuiet } from "../base/quiet_collection.ts";
import type { ByteSink } from "../base/byte_sink.ts";
import { messageOf } from "../base/errors.ts";
import { reportUncaughtErrors } from "../base/uncaught_errors.ts";
import type { DestinationConfig } from "../config/destination_text.ts";
import { LimitBoards } from "../destinations/limits/limit_boards.ts";
import { openLogs } from "../logging/logs.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { trustAsTold } from "../net/tls/roots.ts";
import { Trails } from "../net/trails.ts";
import { openDurations } from "../telemetry/opentelemetry.ts";
import type {
  AnyCall,
  FromThread,
  StartMessage,
  ThreadCall,
  ThreadCalls,
  ToThread,
} from "./messages.ts";

/** How one of several balancers is told what to do, and tells what becomes of it. */
export interface Orders {
  onmessage: ((event: { readonly data: ToThread }) => void) | null;
  postMessage(message: FromThread): void;
}

/**
 * Serves as one of several: a complete balancer that shares its port with the others. It is told what
 * to do, and its lines are written, by `threaded_balancer.ts`.
 */
export function serveAsOne(scope: Orders): void {
  /** Destinations that have come for the message that follows. */
  let destinations: DestinationConfig[] = [];

  scope.onmessage = ({ data }) => {
    if (data.kind === "destinations") destinations.push(...data.destinations);
    if (data.kind !== "start") return;
    // Uncaught, it would be lines of the runtime's own between those of the log.
    start(data).catch((error) => scope.postMessage({ kind: "failed", message: messageOf(error) }));
  };

  function takeDestinations(): DestinationConfig[] {
    const taken = destinations;
    destinations = [];
    return taken;
  }

  async function start(message: StartMessage): Promise<void> {
    const { identity, thread, trustsNobodyElse } = message;
    if (trustsNobodyElse !== undefined) trustAsTold(trustsNobodyElse);
    const config = { ...message.config, destinations: takeDestinations() };
    const logs = openLogs(config, {
      log: (record) => scope.postMessage({ kind: "log", record }),
      access: accessSink(scope),
    });
    reportUncaughtErrors(logs.log);
    let balancer: LocalBalancer;
    try {
      const durations = await openDurations();
      const descriptors = new DescriptorBudget({ share: message.descriptors });
      const trails = new Trails(message.trails);
      const boards = new LimitBoards(thread, message.boards);
      const options = { ...logs, identity, durations, thread, descriptors, trails, boards };
      balancer = await LocalBalancer.start(config, options);
    } catch (error) {
      return scope.postMessage({ kind: "failed", message: messageOf(error) });
    }
    for (const [number, state] of message.adminStates) balancer.setAdminState(number, state);
    scope.onmessage = ({ data }) => {
      if (data.kind === "destinations") destinations.push(...data.destinations);
      else if (data.kind === "drain") end(balancer.drain());
      else if (data.kind === "quit") end(balancer.quit());
      else if (data.kind === "call") answer(data as AnyCall);
    };
    const collecting = collectWhenQuiet();
    scope.postMessage({ kind: "listening", address: balancer.address });

    async function answer(call: AnyCall): Promise<void> {
      const { number } = call;
      try {
        scope.postMessage({ kind: "answer", number, answer: await answerTo(call) });
      } catch (error) {
        scope.postMessage({ kind: "error", number, message: messageOf(error) });
      }
    }

    function answerTo(
      { call, ask }: AnyCall,
    ): ThreadCalls[ThreadCall]["answer"] | Promise<ThreadCalls[ThreadCall]["answer"]> {
      switch (call) {
        case "ping":
          return;
        case "status":
          return balancer.status();
        case "destination":
          return balancer.destination(ask.number);
        case "sample":
          return balancer.sample(ask.limit);
        case "sessions":
          return balancer.sessions(ask.limit);
        case "endSession":
          return balancer.endSession(ask.id);
        case "inspect":
          return balancer.inspections.begin(ask);
        case "readInspection":
          return balancer.inspections.read(ask.number);
        case "endInspection":
          return balancer.inspections.end(ask.number);
        case "setAdminState":
          return balancer.setAdminState(ask.destination, ask.state);
        case "replace":
          return balancer.replace(ask);
        case "reconfigure": {
          const changed = { ...ask.config, destinations: takeDestinations() };
          logs.apply(changed);
          return balancer.reconfigure(changed, ask);
        }
      }
    }

    async function end(drained: Promise<boolean>): Promise<void> {
      await drained;
      collecting.stop();
      await logs.close();
      scope.postMessage({ kind: "drained", totals: balancer.totals });
    }
  }
}

/** Takes lines to the thread that writes them. */
function accessSink(scope: Orders): ByteSink {
  const decoder = new TextDecoder();
  return {
    write(bytes) {
      scope.postMessage({ kind: "access", lines: decoder.decode(bytes).trimEnd() });
      return Promise.resolve(bytes.length);
    },
  };
}
