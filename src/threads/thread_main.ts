// One of several threads: a complete balancer that shares its port with the others. It is told what
// to do, and its lines are written, by `threaded_balancer.ts`.
import { inTurns } from "../async/chunks.ts";
import {
  checkDestination,
  checkListener,
  commandLineReporter,
  type DestinationConfig,
  readListener,
} from "../config/config.ts";
import { DescriptorBudget } from "../net/descriptor_budget.ts";
import { messageOf } from "../base/errors.ts";
import { reportUncaughtErrors } from "../base/uncaught_errors.ts";
import type { ByteSink } from "../base/byte_sink.ts";
import { openLogs } from "../logging/logs.ts";
import { LocalBalancer } from "../balancer/local_balancer.ts";
import { openDurations } from "../telemetry/opentelemetry.ts";
import { shareOf, shareOfLimit } from "../config/thread_shares.ts";
import type { CallMessage, FromThread, ThreadCall, ThreadCalls, ToThread } from "./messages.ts";
import { Trails } from "../net/trails.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
};

scope.onmessage = ({ data }) => {
  if (data.kind !== "start") return;
  // Uncaught, it would be lines of the runtime's own between those of the log.
  start(data).catch((error) => scope.postMessage({ kind: "failed", message: messageOf(error) }));
};

async function start(message: ToThread & { kind: "start" }): Promise<void> {
  const { texts, identity, port, index, number } = message;
  let config = shareOf(readListener(texts), index, number);
  const logs = openLogs(config, {
    log: (record) => scope.postMessage({ kind: "log", record }),
    access: accessSink(),
  });
  reportUncaughtErrors(logs.log);
  let server: LocalBalancer;
  try {
    const listen = { ...config.listen, port };
    const thread = { index, number };
    const durations = await openDurations();
    const descriptors = new DescriptorBudget({ share: message.descriptors });
    const trails = new Trails(message.trails);
    const options = { ...logs, identity, durations, thread, descriptors, trails };
    server = await LocalBalancer.start({ ...config, listen }, options);
  } catch (error) {
    return scope.postMessage({ kind: "failed", message: messageOf(error) });
  }
  scope.onmessage = ({ data }) => {
    if (data.kind === "drain") end(server.drain());
    else if (data.kind === "quit") end(server.quit());
    else if (data.kind === "call") answer(data as Question);
  };
  scope.postMessage({ kind: "listening", address: server.address });

  async function answer(question: Question): Promise<void> {
    const { number } = question;
    scope.postMessage({ kind: "answer", number, answer: await answerTo(question) });
  }

  function answerTo(
    { call, ask }: Question,
  ): ThreadCalls[ThreadCall]["answer"] | Promise<void> {
    switch (call) {
      case "status":
        return server.status();
      case "destination":
        return server.destination(ask.number);
      case "sessions":
        return server.sessions(ask.limit);
      case "endSession":
        return server.endSession(ask.id);
      case "setAdminState":
        return server.setAdminState(ask.destination, ask.state);
      case "replace":
        return server.replace(config, { number: ask.number, destination: readOne(ask.text) });
      case "reconfigure":
        return reconfigure(ask);
    }
  }

  /** The share of one destination; that it is allowed was checked. */
  function readOne(text: string | undefined): DestinationConfig | undefined {
    if (text === undefined) return undefined;
    const { report, mention } = commandLineReporter({ ...config.texts, destinations: [text] });
    const known = { settings: config, listen: config.listen, indexOf: () => undefined };
    const destination = checkDestination(text, known, {
      report: (problem) => report({ destination: 0 }, problem),
      mention,
    })!;
    return { ...destination, workers: shareOfLimit(destination.workers, index, number) };
  }

  async function reconfigure(ask: ThreadCalls["reconfigure"]["ask"]): Promise<void> {
    const { texts, numbers } = ask;
    const whole = await inTurns(checkListener(texts, commandLineReporter(texts)));
    const changed = config = shareOf(whole!, index, number);
    logs.apply(changed);
    await server.reconfigure(changed, { numbers });
  }

  async function end(drained: Promise<boolean>): Promise<void> {
    await drained;
    await logs.close();
    scope.postMessage({ kind: "drained", totals: server.totals });
  }
}

/** A question whose name tells what is asked. */
type Question = { [C in ThreadCall]: CallMessage<C> }[ThreadCall];

/** Takes lines to the thread that writes them. */
function accessSink(): ByteSink {
  const decoder = new TextDecoder();
  return {
    write(bytes) {
      scope.postMessage({ kind: "access", lines: decoder.decode(bytes).trimEnd() });
      return Promise.resolve(bytes.length);
    },
  };
}
