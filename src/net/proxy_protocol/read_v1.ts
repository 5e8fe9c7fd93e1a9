import type { TcpEnd } from "../address.ts";
import { bad, MORE, type ProxiedEnds, type Reading } from "./header.ts";
import { strictIpv4, strictIpv6 } from "./ip_text.ts";

/** How a header begins: `PROXY` and a blank. */
export const PREFIX: readonly number[] = [0x50, 0x52, 0x4f, 0x58, 0x59, 0x20];

/** Most bytes of a header, the line break included. */
const MAX_LINE = 107;

const CR = 0x0d;
const LF = 0x0a;

/** What the addresses of a family may be, whole and as far as they have come. */
const FAMILIES: Readonly<Record<string, Family | undefined>> = {
  TCP4: { read: strictIpv4, begins: /^[\d.]{0,15}$/ },
  TCP6: { read: strictIpv6, begins: /^[\da-f:.]{0,45}$/i },
  UNKNOWN: undefined,
};

interface Family {
  read(text: string): string | undefined;
  readonly begins: RegExp;
}

/** Reads a header of version 1, a line of text. The bytes begin with {@linkcode PREFIX}. */
export function readV1(bytes: Uint8Array): Reading {
  const most = Math.min(bytes.length, MAX_LINE);
  let text = "";
  for (let i = PREFIX.length; i < most; i++) {
    const byte = bytes[i]!;
    if (byte === LF) return bad("version 1 with a line feed alone, not behind a carriage return");
    if (byte !== CR) {
      text += String.fromCharCode(byte);
    } else if (i + 1 === MAX_LINE) {
      break;
    } else if (i + 1 === bytes.length) {
      return readWords(text, { whole: true }) === undefined ? malformed(text) : MORE;
    } else if (bytes[i + 1] !== LF) {
      return bad("version 1 with a carriage return alone, without a line feed behind it");
    } else {
      const words = readWords(text, { whole: true });
      if (words === undefined) return malformed(text);
      const { ends } = words;
      const length = i + 2;
      return { kind: "header", header: { version: 1, command: "proxy", ends, length } };
    }
  }
  if (bytes.length >= MAX_LINE) return bad(`version 1 without an end within ${MAX_LINE} bytes`);
  return readWords(text, { whole: false }) === undefined ? malformed(text) : MORE;
}

/** What the words behind `PROXY` say; `undefined` if that is not allowed. */
function readWords(
  text: string,
  { whole }: { whole: boolean },
): { ends: ProxiedEnds | undefined } | undefined {
  const nothing = { ends: undefined };
  const words = text.split(" ");
  /** How many of them are complete. */
  const complete = whole ? words.length : words.length - 1;
  const [protocol = "", ...values] = words;
  if (complete === 0) {
    return Object.keys(FAMILIES).some((name) => name.startsWith(protocol)) ? nothing : undefined;
  }
  if (!Object.hasOwn(FAMILIES, protocol)) return undefined;
  const family = FAMILIES[protocol];
  if (family === undefined) return nothing;
  if (values.length > 4 || (whole && values.length < 4)) return undefined;
  const hosts: string[] = [];
  const ports: number[] = [];
  for (const [i, value] of values.entries()) {
    const finished = i + 1 < complete;
    if (i < 2) {
      const host = finished ? family.read(value) : undefined;
      if (finished ? host === undefined : !family.begins.test(value)) return undefined;
      hosts.push(host ?? "");
    } else {
      if (!(finished ? /^(?:0|[1-9]\d{0,4})$/ : /^(?:0|[1-9]\d{0,4})?$/).test(value)) {
        return undefined;
      }
      if (Number(value) > 65535) return undefined;
      ports.push(Number(value));
    }
  }
  if (!whole) return nothing;
  const end = (i: 0 | 1): TcpEnd => {
    return { transport: "tcp", hostname: hosts[i]!, port: ports[i]! };
  };
  return { ends: { source: end(0), destination: end(1) } };
}

function malformed(text: string): Reading {
  // deno-lint-ignore no-control-regex -- exactly these must not be in a log
  const shown = text.replace(/[\x00-\x1f\x7f-\xff"\\]/g, "?");
  return bad(`version 1 that says ${JSON.stringify(shown)}`);
}
