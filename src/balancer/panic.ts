import type { Logger } from "@logtape/logtape";
import { cut } from "../base/text.ts";
import type { Destination } from "../destinations/destination.ts";
import { partsOf } from "./routes/keys.ts";

/** What {@linkcode Panic} tells. */
interface Panicking {
  /** Whose clients get them; absent where all clients get the same. */
  readonly keys: readonly string[] | undefined;
}

/**
 * Tells the log when sessions go to destinations whose connects work and only their checks fail, since
 * none is up, and when that is over.
 */
export class Panic {
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  begins({ keys, tried }: Panicking & { tried: readonly Destination[] }): void {
    const names = tried.map(({ name }) => name).join(", ");
    if (!keys) {
      this.#log.warning("panic: every destination is down, sessions go to {names} all the same", {
        names,
      });
      return;
    }
    this.#log.warning(
      "panic: every destination for {clients} is down, sessions go to {names} all the same",
      { clients: clientsOf(keys), names },
    );
  }

  ends({ keys }: Panicking): void {
    if (!keys) this.#log.info("the panic is over");
    else this.#log.info("the panic is over for {clients}", { clients: clientsOf(keys) });
  }
}

/** What clients ask for, as configured. */
function clientsOf(keys: readonly string[]): string {
  return cut(keys.map((key) => partsOf(key).filter(Boolean).join(" ")).join(", "));
}
