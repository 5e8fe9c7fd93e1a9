import type { Logger } from "@logtape/logtape";
import { after, type Timer } from "../../base/timer.ts";
import { plural } from "../../base/text.ts";

/** The log is told of them at most so often, in milliseconds. */
const TELL_MS = 10_000;

/**
 * Connections of other programs of this machine to a port that is for this program alone. Each is
 * closed at once, and the log is told.
 */
export class Strangers {
  readonly #log: Logger;
  #number = 0;
  #timer: Timer | undefined;

  constructor(log: Logger) {
    this.#log = log;
  }

  note(remote: string): void {
    this.#number++;
    if (this.#timer) return;
    this.#tell(remote);
    this.#timer = after(TELL_MS, () => {
      this.#timer = undefined;
      if (this.#number > 0) this.#tell("others");
    });
  }

  close(): void {
    this.#timer?.stop();
  }

  #tell(from: string): void {
    const connections = plural(this.#number, "connection");
    this.#number = 0;
    this.#log.warning(
      "{connections} of another program of this machine ({from}) to an inner port of TLS: closed",
      { connections, from },
    );
  }
}
