/** A question as a server got it. */
export interface Asked {
  readonly id: number;
  readonly name: string;
  /** Its number: 1 = A, 28 = AAAA, 33 = SRV. */
  readonly type: number;
  readonly via: "udp" | "tcp";
  /** Whether an OPT record was with it. */
  readonly extended: boolean;
}

/** One record of a reply; `data` as it is in the message. */
export interface TestRecord {
  readonly name: string;
  readonly type: number;
  readonly ttl: number;
  readonly data: readonly number[];
  readonly class?: number;
}

/** What a reply says; a good one without records unless told otherwise. */
export interface ReplyParts {
  code?: number;
  truncated?: boolean;
  /** Bits of the flags that are set or, in `without`, not. */
  flags?: number;
  without?: number;
  id?: number;
  /** The question that it repeats, or none. */
  question?: Pick<Asked, "name" | "type"> | null;
  answers?: readonly TestRecord[];
  authorities?: readonly TestRecord[];
  additionals?: readonly TestRecord[];
}

export const A = 1;
export const CNAME = 5;
export const SOA = 6;
export const AAAA = 28;
export const SRV = 33;

/** A name as it is in a message, without pointers. */
export function encodeName(name: string): number[] {
  const labels = name === "" ? [] : name.split(".");
  return [...labels.flatMap((label) => [label.length, ...new TextEncoder().encode(label)]), 0];
}

export function address(name: string, ip: string, ttl = 30): TestRecord {
  return { name, type: A, ttl, data: ip.split(".").map(Number) };
}

export function address6(name: string, last: number, ttl = 30): TestRecord {
  return { name, type: AAAA, ttl, data: [0x20, 1, 0xd, 0xb8, ...Array(11).fill(0), last] };
}

export function alias(name: string, to: string, ttl = 30): TestRecord {
  return { name, type: CNAME, ttl, data: encodeName(to) };
}

export function service(
  name: string,
  to: { target: string; port: number; priority?: number; weight?: number },
  ttl = 30,
): TestRecord {
  const { target, port, priority = 0, weight = 0 } = to;
  const data = [...uint16(priority), ...uint16(weight), ...uint16(port), ...encodeName(target)];
  return { name, type: SRV, ttl, data };
}

export function authority(name: string, ttl: number, minimum: number): TestRecord {
  const data = [...encodeName("ns.test"), ...encodeName("root.test"), ...Array(16).fill(0)];
  return { name, type: SOA, ttl, data: [...data, 0, 0, ...uint16(minimum)] };
}

/** The reply to a question. */
export function encodeReply(asked: Pick<Asked, "id" | "name" | "type">, parts: ReplyParts = {}) {
  const { code = 0, truncated = false, flags = 0, without = 0, question = asked } = parts;
  const { answers = [], authorities = [], additionals = [] } = parts;
  // A response to a wish for recursion, which is available.
  const all = (0x8180 | flags | (truncated ? 0x0200 : 0) | code) & ~without;
  return Uint8Array.from([
    ...uint16(parts.id ?? asked.id),
    ...uint16(all),
    ...uint16(question ? 1 : 0),
    ...[answers, authorities, additionals].flatMap(({ length }) => uint16(length)),
    ...(question ? [...encodeName(question.name), ...uint16(question.type), 0, 1] : []),
    ...[...answers, ...authorities, ...additionals].flatMap((record) => {
      // The name of the question is at 12.
      const name = question?.name === record.name ? [0xc0, 12] : encodeName(record.name);
      const { ttl, data } = record;
      const [type, klass] = [uint16(record.type), uint16(record.class ?? 1)];
      return [
        ...name,
        ...type,
        ...klass,
        ...uint16(ttl >>> 16),
        ...uint16(ttl),
        ...uint16(data.length),
        ...data,
      ];
    }),
  ]);
}

/** What was asked; only what the program asks is understood. */
export function readQuestion(message: Uint8Array, via: Asked["via"]): Asked {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at++]!; length > 0; length = message[at++]!) {
    labels.push(new TextDecoder().decode(message.subarray(at, at += length)));
  }
  return {
    id: view.getUint16(0),
    name: labels.join("."),
    type: view.getUint16(at),
    via,
    extended: view.getUint16(10) === 1,
  };
}

function uint16(value: number): [number, number] {
  return [value >>> 8 & 0xff, value & 0xff];
}
