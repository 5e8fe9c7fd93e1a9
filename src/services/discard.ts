import type { Service } from "./service.ts";
import { SinkStream } from "./sink.ts";

/** Takes everything and says nothing (RFC 863). */
export function discard(): Service {
  const open = () => new SinkStream();
  return { connect: open, exchange: open };
}
