import type { OpenLoop } from "./load.ts";
import { seededRandom } from "./statistics.ts";

/** Somebody comes: how many milliseconds after the beginning, who, and to which of the ports. */
interface OpenVisit {
  readonly due: number;
  /** A number, if there are several clients. */
  readonly client: number | undefined;
  /** The index of the port. */
  readonly port: number;
}

/** Who comes when in an open loop: the same for the same seed, whoever asks. */
export function* openVisits(
  { rate, seconds, seed, clients, ports = [] }: OpenLoop,
): Generator<OpenVisit> {
  const random = seededRandom(seed);
  for (let due = 0; due < seconds * 1000;) {
    due += -Math.log(1 - random()) * 1000 / rate;
    const client = clients ? Math.floor(random() * clients) : undefined;
    const port = ports.length > 1 ? Math.floor(random() * ports.length) : 0;
    yield { due, client, port };
  }
}
