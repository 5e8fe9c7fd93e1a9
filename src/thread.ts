// One of several threads: a complete balancer that shares its port with the others. It is told what
// to do, and its lines are written, by `threads.ts`.
import { readListener } from "./config.ts";
import { messageOf } from "./errors.ts";
import { guard } from "./guard.ts";
import type { ByteSink } from "./line_writer.ts";
import { openLogs } from "./log.ts";
import { Server } from "./server.ts";
import { shareOf } from "./thread_config.ts";
import type { FromThread, ToThread } from "./thread_messages.ts";

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<ToThread>) => void) | null;
  postMessage(message: FromThread): void;
};

scope.onmessage = ({ data }) => {
  if (data.kind === "start") start(data);
};

async function start(message: ToThread & { kind: "start" }): Promise<void> {
  const { texts, port, index, number } = message;
  const config = shareOf(readListener(texts), index, number);
  const logs = openLogs(config, {
    log: (record) => scope.postMessage({ kind: "log", record }),
    access: accessSink(),
  });
  guard(logs.log);
  let server: Server;
  try {
    const listen = { ...config.listen, port };
    server = await Server.start({ ...config, listen }, { ...logs, thread: { index, number } });
  } catch (error) {
    return scope.postMessage({ kind: "failed", message: messageOf(error) });
  }
  scope.onmessage = ({ data }) => {
    if (data.kind === "drain") end(server.drain());
    else if (data.kind === "quit") end(server.quit());
    else if (data.kind === "status") {
      scope.postMessage({ kind: "status", status: server.status() });
    }
  };
  scope.postMessage({ kind: "listening", address: server.address });

  async function end(drained: Promise<boolean>): Promise<void> {
    await drained;
    await logs.close();
    scope.postMessage({ kind: "drained", books: server.books });
  }
}

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
