import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { nearest, quote } from "../base/text.ts";
import { printable } from "./format.ts";
import { namesOf } from "./names.ts";

/** Most candidates that a message lists. */
const LISTED = 10;

/** Most spellings that are compared with one that is not known, which takes its time. */
const COMPARED = 4000;

/** A destination, or a name with all its records. */
export interface Target {
  readonly id: string;
  readonly name: string;
  /** Sessions there. */
  readonly active: number;
}

interface Candidate {
  readonly listener: ListenerStatus;
  readonly destination: Target & { readonly address?: string; readonly leaving: boolean };
}

/**
 * The destination that the operator means, or the name that stands for all its records: by its id, by its
 * name or address, or by `LISTENER/NAME`. One that was removed and only finishes its sessions counts if no
 * other is meant.
 *
 * @throws {FatalError} If there is none, or if there are several.
 */
export function findDestination(status: Status, text: string): Target {
  const all = status.listeners.flatMap((listener): Candidate[] => {
    const names = namesOf(listener).map((name) => {
      const records = partsOf(status, name);
      const active = records.reduce((sum, { active }) => sum + active, 0);
      return { ...name, active, leaving: false };
    });
    return [...names, ...listener.destinations].map((destination) => ({ listener, destination }));
  });
  const found = all.filter((candidate) => spellings(candidate).includes(text));
  const staying = found.filter(({ destination }) => !destination.leaving);
  const meant = staying.length > 0 ? staying : found;
  if (meant.length === 1) return meant[0]!.destination;
  if (meant.length > 1) {
    throw new FatalError(`${quote(text)} is more than one destination: give ${list(meant)}`);
  }
  if (all.length === 0) throw new FatalError(`${quote(text)}: there are no destinations`);
  const known = nearest(text, all.flatMap(spellings).slice(0, COMPARED));
  throw new FatalError(
    `${quote(text)}: no such destination; ` +
      (all.length <= LISTED ? `there is ${list(all)}` : `the nearest is ${printable(known)}`),
  );
}

/** The destinations that a target consists of: itself, or the records of a name, also leaving ones. */
export function partsOf(
  { listeners }: Status,
  target: Pick<Target, "id" | "name">,
): DestinationStatus[] {
  const [listener] = target.id.split(".");
  return listeners.flatMap(({ id, destinations }) => {
    if (String(id) !== listener) return [];
    return destinations.filter((one) => one.id === target.id || one.source === target.name);
  });
}

/** A destination as messages name it. */
export function titleOf({ id, name }: Pick<Target, "id" | "name">): string {
  return `${id} ${printable(name)}`;
}

function spellings({ listener, destination: { id, name, address = name } }: Candidate): string[] {
  const names = [...new Set([name, address])];
  const within = names.flatMap((one) => [`${listener.id}/${one}`, `${listener.name}/${one}`]);
  return [id, ...names, ...within];
}

function list(candidates: readonly Candidate[]): string {
  const names = candidates.slice(0, LISTED).map(({ listener, destination }) => {
    return `${destination.id} (${printable(`${listener.name}/${destination.name}`)})`;
  });
  if (candidates.length > LISTED) names.push(`${candidates.length - LISTED} more`);
  return names.length === 1 ? names[0]! : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
}
