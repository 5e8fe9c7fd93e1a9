import ipaddr from "ipaddr.js";
import { isOfServer } from "./known.ts";
import { CLASS_IN, isName, type Question, TYPES } from "./question.ts";
import { MalformedError, Reader } from "./reader.ts";
import type { Answer, DnsRecord } from "./records.ts";

/** Most records of one answer. */
const MAX_RECORDS = 1000;

/** Most aliases from a name to its records. */
const MAX_ALIASES = 16;

/** What a server sent back. */
export type Reply =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** The rest has to be asked for over TCP. */
  | { readonly kind: "truncated" }
  /** The server cannot or will not say; another may. */
  | { readonly kind: "failure"; readonly problem: string; readonly notUnderstood: boolean };

/** The names of codes (RFC 1035, 4.1.1; RFC 2136, 2.2). */
const CODES = ["", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];
const NXDOMAIN = 3;

const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const AUTHORITATIVE = 0x0400;
const TRUNCATED = 0x0200;
const RECURSIVE = 0x0080;

/** A record as it is in a message; `at` is where its data begins. */
interface RawRecord {
  readonly name: string;
  readonly type: number;
  /** Seconds. */
  readonly ttl: number;
  readonly at: number;
  readonly length: number;
}

/** What answers are picked from. */
interface Sections {
  readonly question: Question;
  readonly answer: readonly RawRecord[];
  readonly additional: readonly RawRecord[];
}

/** Records and the shortest of their times, in seconds. */
interface Found {
  readonly records: DnsRecord[];
  readonly ttl: number;
}

/**
 * Reads what came back for a question; `undefined` if it is nothing that answers it: another id or
 * question, no response, or not well formed.
 *
 * @param options.cut Whether there may have been more of it than was received.
 */
export function decodeReply(
  bytes: Uint8Array,
  question: Question,
  options: { cut?: boolean } = {},
): Reply | undefined {
  try {
    return decode(bytes, { question, cut: options.cut ?? false });
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

function decode(
  bytes: Uint8Array,
  { question, cut }: { question: Question; cut: boolean },
): Reply | undefined {
  const reader = new Reader(bytes);
  if (reader.uint16() !== question.id) return undefined;
  const flags = reader.uint16();
  if ((flags & (RESPONSE | OPCODE)) !== RESPONSE) return undefined;
  const code = flags & 0xf;
  const counts = [reader.uint16(), reader.uint16(), reader.uint16(), reader.uint16()] as const;
  const [questions, answers, authorities, additionals] = counts;
  const failed = code !== 0 && code !== NXDOMAIN;
  // A server that did not understand a question may not repeat it.
  if (questions === 0 && failed) return refusal(code);
  if (questions !== 1 || !repeats(reader, question)) return undefined;
  if (failed) return refusal(code);
  if (cut || flags & TRUNCATED) return { kind: "truncated" };
  const answer = readRecords(reader, answers);
  const authority = readRecords(reader, authorities);
  const additional = readRecords(reader, additionals);
  const found = pick(reader, { question, answer, additional });
  if (!found) return failure("its aliases lead around");
  if (code === 0 && found.records.length > MAX_RECORDS) {
    return failure(`it has ${found.records.length} records, at most ${MAX_RECORDS} are taken`);
  }
  if (code === 0 && found.records.length > 0) {
    return { kind: "answer", answer: { kind: "records", ...found } };
  }
  const soa = authority.find(({ type }) => type === TYPES.SOA);
  if (code === 0 && answers === 0 && !soa && !(flags & (AUTHORITATIVE | RECURSIVE))) {
    return failure("it does not look names up for others");
  }
  const why = code === NXDOMAIN ? "no such name" : "no such record";
  return { kind: "answer", answer: { kind: "empty", why, ttl: soa && negativeTtl(reader, soa) } };
}

function refusal(code: number): Reply {
  const name = CODES[code];
  const notUnderstood = name === "FORMERR" || name === "NOTIMP";
  return { kind: "failure", problem: `it said ${name ?? `code ${code}`}`, notUnderstood };
}

function failure(problem: string): Reply {
  return { kind: "failure", problem, notUnderstood: false };
}

function repeats(reader: Reader, { name, type }: Question): boolean {
  return reader.name() === name && reader.uint16() === TYPES[type] && reader.uint16() === CLASS_IN;
}

function readRecords(reader: Reader, count: number): RawRecord[] {
  const records: RawRecord[] = [];
  for (let i = 0; i < count; i++) {
    const name = reader.name();
    const type = reader.uint16();
    const internet = reader.uint16() === CLASS_IN;
    const ttl = reader.uint32();
    const length = reader.uint16();
    const { at } = reader;
    reader.bytes(length);
    // What has the highest bit set is no time (RFC 2181, 8).
    if (internet) records.push({ name, type, ttl: ttl < 2 ** 31 ? ttl : 0, at, length });
  }
  return records;
}

/** The records that answer a question, aliases followed, each once; `undefined` if these lead around. */
function pick(reader: Reader, { question, answer, additional }: Sections): Found | undefined {
  const aliased = followAliases(reader, { from: question.name, answer });
  if (!aliased) return undefined;
  let { ttl } = aliased;
  const found = new Map<string, DnsRecord>();
  for (const raw of answer) {
    if (raw.name !== aliased.owner || raw.type !== TYPES[question.type]) continue;
    const record = readRecord(reader, raw);
    if (!record) continue;
    found.set(Object.values(record).join(" "), record);
    ttl = Math.min(ttl, raw.ttl);
  }
  if (question.type !== "SRV") return { records: [...found.values()], ttl };
  const known = Map.groupBy(additional, ({ name }) => name);
  const records = Array.from(found.values(), (record) => {
    if (record.type !== "SRV") return record;
    const raws = (known.get(record.target) ?? []).filter(({ type }) => {
      return type === TYPES.A || type === TYPES.AAAA;
    });
    for (const raw of raws) ttl = Math.min(ttl, raw.ttl);
    return { ...record, addresses: raws.map((raw) => readAddress(reader, raw)).filter(isOfServer) };
  });
  return { records, ttl };
}

function followAliases(
  reader: Reader,
  { from, answer }: { from: string; answer: readonly RawRecord[] },
): { owner: string; ttl: number } | undefined {
  const aliases = new Map<string, RawRecord>();
  for (const raw of answer) if (raw.type === TYPES.CNAME) aliases.set(raw.name, raw);
  let owner = from;
  let ttl = Infinity;
  for (let i = 0; i <= MAX_ALIASES; i++) {
    const alias = aliases.get(owner);
    if (!alias) return { owner, ttl };
    reader.at = alias.at;
    owner = reader.name();
    ttl = Math.min(ttl, alias.ttl);
  }
  return undefined;
}

/** A record of one of the types that are asked for; nothing if it leads to no server. */
function readRecord(reader: Reader, raw: RawRecord): DnsRecord | undefined {
  if (raw.type === TYPES.SRV) return readService(reader, raw);
  const address = readAddress(reader, raw);
  const type = raw.type === TYPES.A ? "A" : "AAAA";
  return isOfServer(address) ? { type, address } : undefined;
}

function readAddress(reader: Reader, { type, at, length }: RawRecord): string {
  if (length !== (type === TYPES.A ? 4 : 16)) throw new MalformedError("an address is too long");
  reader.at = at;
  const bytes = reader.bytes(length);
  if (type === TYPES.A) return bytes.join(".");
  const ip = ipaddr.fromByteArray([...bytes]) as ipaddr.IPv6;
  return ip.isIPv4MappedAddress() ? ip.toIPv4Address().toString() : ip.toRFC5952String();
}

/** Where a service is; nothing if it is nowhere, or no host of this world (RFC 2782, "Target"). */
function readService(reader: Reader, { at, length }: RawRecord): DnsRecord | undefined {
  reader.at = at;
  const [priority, weight, port] = [reader.uint16(), reader.uint16(), reader.uint16()];
  const target = reader.name();
  if (reader.at !== at + length) throw new MalformedError("a record is too long");
  if (port === 0 || !isName(target)) return undefined;
  return { type: "SRV", target, port, priority, weight, addresses: [] };
}

/** How long nothing is there, in seconds (RFC 2308, 5). */
function negativeTtl(reader: Reader, { ttl, at, length }: RawRecord): number {
  reader.at = at;
  reader.name();
  reader.name();
  reader.bytes(16);
  const minimum = reader.uint32();
  if (reader.at !== at + length) throw new MalformedError("a record is too long");
  return Math.min(ttl, minimum);
}
