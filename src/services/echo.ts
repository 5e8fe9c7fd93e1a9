import { Conduit } from "../net/conduit.ts";
import { PipeEnd } from "../net/pipe.ts";
import { DatagramStream } from "./datagram_stream.ts";
import type { Service } from "./service.ts";

/**
 * Sends back what it gets (RFC 862). What is written is what is read, from buffer to buffer: it has none
 * of its own, and a client that does not read is not read from.
 */
export function echo(): Service {
  return {
    connect() {
      const both = new Conduit();
      return new PipeEnd(both, both);
    },
    exchange: (client) => new DatagramStream(client, (datagram) => datagram),
  };
}
