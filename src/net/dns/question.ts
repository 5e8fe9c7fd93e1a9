import type { QuestionType } from "./records.ts";

/** Numbers of types and of the Internet's class (RFC 1035, 3.2; RFC 3596; RFC 2782; RFC 6891). */
export const TYPES = { A: 1, CNAME: 5, SOA: 6, AAAA: 28, SRV: 33, OPT: 41 } as const;
export const CLASS_IN = 1;

/**
 * The largest datagram that servers are asked for: what passes everywhere without fragments.
 * https://www.dnsflagday.net/2020/
 */
const PAYLOAD = 1232;

/** One question, as it is sent. */
export interface Question {
  /** 0–65535, random. */
  readonly id: number;
  /** In lower case without a dot at its end, checked by {@linkcode isName}. */
  readonly name: string;
  readonly type: QuestionType;
}

/** Whether something can be asked for: a host name, or one of a service with its underscores. */
export function isName(name: string): boolean {
  return name.length <= 253 && /^[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63})*$/.test(name);
}

/**
 * A question as a message.
 *
 * @param options.extended Whether the server is told that datagrams may be larger than 512 bytes,
 * which very old ones do not understand (RFC 6891, 7).
 */
export function encodeQuestion(
  { id, name, type }: Question,
  options: { extended: boolean },
): Uint8Array {
  const { extended } = options;
  const labels = name.split(".");
  const nameLength = name.length + 2;
  const message = new Uint8Array(12 + nameLength + 4 + (extended ? 11 : 0));
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  // Recursion is desired.
  view.setUint16(2, 0x0100);
  view.setUint16(4, 1);
  view.setUint16(10, extended ? 1 : 0);
  let at = 12;
  for (const label of labels) {
    message[at++] = label.length;
    for (let i = 0; i < label.length; i++) message[at++] = label.charCodeAt(i);
  }
  at++;
  view.setUint16(at, TYPES[type]);
  view.setUint16(at + 2, CLASS_IN);
  if (extended) {
    // The name of an OPT record is the root, its class the size.
    view.setUint16(at + 5, TYPES.OPT);
    view.setUint16(at + 7, PAYLOAD);
  }
  return message;
}
