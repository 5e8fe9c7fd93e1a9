import { FatalError } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { ListenerStatus } from "../operations/listener_status.ts";
import { nearest, quote } from "../base/text.ts";
import { printable } from "./format.ts";

/** Most candidates that a message lists. */
const LISTED = 10;

/** Most spellings that are compared with one that is not known, which takes its time. */
const COMPARED = 4000;

interface Candidate {
  readonly listener: ListenerStatus;
  readonly destination: DestinationStatus;
}

/**
 * The destination that the operator means: by its id, by its name or address, or by `LISTENER/NAME`. One that
 * was removed and only finishes its sessions counts if no other is meant.
 *
 * @throws {FatalError} If there is none, or if there are several.
 */
export function findDestination(status: Status, text: string): DestinationStatus {
  const all = status.listeners.flatMap((listener) =>
    listener.destinations.map((destination) => ({ listener, destination }))
  );
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

/** A destination as messages name it. */
export function titleOf({ id, name }: DestinationStatus): string {
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
