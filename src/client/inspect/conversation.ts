import type { Direction, InspectedSession, InspectionRecord } from "../../operations/inspection.ts";
import {
  alike,
  endOf,
  FLAGS,
  MOST_PAYLOAD,
  type PacketEnd,
  tcpPacket,
  type TcpPart,
  udpPacket,
  type Way,
} from "./packets.ts";
import { packetBlock } from "./pcapng.ts";

/** What stands for the ends of a UNIX socket, which have no addresses. */
const LOCALHOST = new Uint8Array([127, 0, 0, 1]);
const FIRST_PORT = 40_000;
const PORTS = 20_000;

const OPPOSITE = { up: "down", down: "up" } as const;

/** What is over without the client having closed. */
const ORDERLY: readonly string[] = ["done", "udp-idle"];

/**
 * One session as packets between the client and the listener, as a machine would have seen them beside iawlb:
 * with their addresses and with numbers that fit to the bytes. Acknowledgements are made up.
 */
export class Conversation {
  readonly #udp: boolean;
  /** `up` is from the client to the listener. */
  readonly #ways: Readonly<Record<Direction, Way>>;
  /** How many bytes were sent in each direction. */
  readonly #sent: Record<Direction, number>;
  /** Which directions have ended. */
  readonly #finished = { up: false, down: false };
  /** Whether the connection has begun. */
  #started = false;
  /** What the next packet says of it. */
  #comment: string | undefined;
  /** The packet blocks made and not yet taken. */
  #blocks: Uint8Array[] = [];
  #time = 0;

  constructor(begin: InspectedSession) {
    this.#udp = begin.transport === "udp";
    const [client, listener] = endsOf(begin);
    this.#ways = {
      up: { from: client, to: listener },
      down: { from: listener, to: client },
    };
    this.#sent = { up: begin.bytes_up, down: begin.bytes_down };
  }

  /** The packets that stand for what has happened, as blocks of the file. */
  blocksOf(record: Exclude<InspectionRecord, { kind: "lost" }>): Uint8Array[] {
    this.#time = record.time_us;
    switch (record.kind) {
      case "session":
        this.#begin(record);
        break;
      case "bytes":
        if (this.#udp) this.#add(udpPacket(this.#ways[record.direction], record.bytes));
        else this.#send(record.direction, record);
        break;
      case "end":
        if (!this.#udp) this.#finish(record.direction);
        break;
      case "over":
        this.#comment = `session ${record.session} is over: ${record.reason}`;
        if (!this.#udp) this.#end(record.reason);
    }
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  #begin(record: InspectedSession): void {
    this.#comment = commentOf(record);
    if (this.#udp || this.#started) return;
    this.#started = true;
    if (record.bytes_up + record.bytes_down > 0) return this.#tcp("up", { flags: FLAGS.ack });
    this.#tcp("up", { flags: FLAGS.syn, back: 1 });
    this.#tcp("down", { flags: FLAGS.syn | FLAGS.ack, back: 1 });
    this.#tcp("up", { flags: FLAGS.ack });
  }
  #send(direction: Direction, { offset, bytes }: { offset: number; bytes: Uint8Array }): void {
    // What was left out is missing, and shows.
    this.#sent[direction] = offset;
    for (let at = 0; at < bytes.length; at += MOST_PAYLOAD) {
      const payload = bytes.subarray(at, at + MOST_PAYLOAD);
      this.#tcp(direction, { flags: FLAGS.psh | FLAGS.ack, payload });
      this.#sent[direction] += payload.length;
      this.#tcp(OPPOSITE[direction], { flags: FLAGS.ack });
    }
  }

  #finish(direction: Direction): void {
    if (this.#finished[direction]) return;
    this.#tcp(direction, { flags: FLAGS.fin | FLAGS.ack });
    this.#finished[direction] = true;
    this.#tcp(OPPOSITE[direction], { flags: FLAGS.ack });
  }

  #end(reason: string): void {
    if (ORDERLY.includes(reason)) {
      this.#finish("up");
      this.#finish("down");
    } else {
      const from = reason === "client-reset" ? "up" : "down";
      this.#tcp(from, { flags: FLAGS.rst | FLAGS.ack });
    }
  }

  /** @param part.back How much before what was sent its number is: 1 at the very beginning. */
  #tcp(direction: Direction, part: Pick<TcpPart, "flags" | "payload"> & { back?: number }): void {
    const { back = 0, ...rest } = part;
    const seq = this.#next(direction) - back;
    const ack = this.#next(OPPOSITE[direction]);
    this.#add(tcpPacket(this.#ways[direction], { ...rest, seq, ack }));
  }

  /** The number of what comes next in a direction: its beginning and its end count as a byte. */
  #next(direction: Direction): number {
    return 1 + this.#sent[direction] + (this.#finished[direction] ? 1 : 0);
  }

  #add(packet: Uint8Array): void {
    this.#blocks.push(packetBlock(packet, { time: this.#time, comment: this.#comment }));
    this.#comment = undefined;
  }
}

function commentOf(record: InspectedSession): string {
  const { session, listener, destination, client, local, age_ms, tls, transport } = record;
  const parts = [
    `session ${session} at listener ${listener}`,
    destination === null ? "not connected yet" : `to ${destination}`,
    `accepted ${Math.round(age_ms)} ms before`,
    ...(tls === null ? [] : [`decrypted: TLS ${tls} ends at the listener`]),
    ...(transport === "unix" ? [`${client} at ${local}, the addresses are made up`] : []),
  ];
  return parts.join("; ");
}

function endsOf({ session, client, local }: InspectedSession): [PacketEnd, PacketEnd] {
  const [from, to] = [endOf(client), endOf(local)];
  if (from && to) return alike(from, to);
  const number = Number(session.split(".")[1]) % PORTS;
  return [{ ip: LOCALHOST, port: FIRST_PORT + number }, { ip: LOCALHOST, port: 1 }];
}
