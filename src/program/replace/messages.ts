import type { Facts } from "./readiness.ts";
import { type Address, AddressError, parseAddress } from "../../net/address.ts";

/** What a process tells whoever comes to replace it. */
export interface Predecessor extends Pick<Facts, "addresses" | "serving"> {
  readonly pid: number;
  /** How many processes have served in this place, with that one. */
  readonly generation: number;
}

/** What it is told once the other one serves. */
export interface TakeOver {
  /** The process that has replaced it. */
  readonly replacedBy: number;
}

/** What it answers to that. */
export const DRAINING = "draining";

/** Most bytes of a message, a line of JSON: room for the addresses of thousands of listeners. */
export const MAX_MESSAGE = 1024 * 1024;

/** A message as a line. */
export function writeLine(message: Predecessor | TakeOver | typeof DRAINING): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(message)}\n`);
}

/** Where a process listens; `undefined` if a line does not say so. */
export function readPredecessor(
  line: Uint8Array,
): Predecessor & { held: Address[] } | undefined {
  const { pid, generation, addresses, serving } = Object(parse(line));
  if (!isCount(pid) || !isCount(generation)) return undefined;
  if (!Array.isArray(addresses) || !Array.isArray(serving)) return undefined;
  try {
    const held = addresses.map((text) => parseAddress(String(text), { minPort: 0, udp: true }));
    return { pid, generation, addresses, serving, held };
  } catch (error) {
    if (error instanceof AddressError) return undefined;
    throw error;
  }
}

/** Who has replaced this process; `undefined` if a line does not say so. */
export function readTakeOver(line: Uint8Array): TakeOver | undefined {
  const { replacedBy } = Object(parse(line));
  return isCount(replacedBy) ? { replacedBy } : undefined;
}

/** Whether it drains. */
export function isDraining(line: Uint8Array): boolean {
  return parse(line) === DRAINING;
}

function parse(line: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(line));
  } catch {
    return undefined;
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) > 0;
}
