import { codeOf } from "./errors.ts";

/** Descriptors kept free for everything but sessions: look-ups, log files, the runtime's own. */
const RESERVE = 16;

/** Descriptors of one session: its client's and its destination's. */
const PER_SESSION = 2;

/** How many sessions the first proof is about; each further one is about twice as many. */
const FIRST_PROOF = 32;

/**
 * How many sessions this process has descriptors for.
 *
 * Accepting a client for whom no descriptor is left to connect with would be a promise that cannot
 * be kept, and enough of them would hold each other up for ever. The runtime does not tell its limit,
 * so it is tried: before more sessions are admitted than ever before, their descriptors are opened
 * and closed again. That costs each session of a new peak some microseconds, once.
 */
export class DescriptorBudget {
  /** Sessions that are known to fit. */
  #proven = 0;
  #final = false;
  readonly #reserve: number;
  readonly #threads: number;

  /**
   * @param destinations How many destinations there are: each may need one for a probe.
   * @param threads How many threads prove and use as much as this one.
   */
  constructor(destinations: number, threads = 1) {
    this.#reserve = (RESERVE + destinations) * threads;
    this.#threads = threads;
  }

  /** Whether the limit has been found: `sessions` does not grow any more. */
  get final(): boolean {
    return this.#final;
  }

  /**
   * Most sessions that fit, as far as is known: more than `live`, unless that is the limit. At
   * least one: a limit too small for that shows as errors, not as a program that does nothing.
   *
   * @param live Sessions at the moment.
   * @param used Tells how many descriptors they have.
   */
  sessions(live: number, used: () => number): number {
    if (live >= this.#proven && !this.#final) {
      const wanted = Math.max(FIRST_PROOF, this.#proven * 2);
      const needed = (wanted * PER_SESSION - used()) * this.#threads + this.#reserve;
      const missing = needed - countFree(needed);
      this.#final = missing > 0;
      this.#proven = Math.max(1, wanted - Math.ceil(missing / PER_SESSION / this.#threads));
    }
    return this.#proven;
  }
}

/** How many of so many descriptors can be opened now. */
function countFree(wanted: number): number {
  const files: Deno.FsFile[] = [];
  try {
    while (files.length < wanted) files.push(Deno.openSync("/dev/null"));
    return wanted;
  } catch (error) {
    // Where there is no such file there is no such limit either.
    return codeOf(error) === "EMFILE" || codeOf(error) === "ENFILE" ? files.length : wanted;
  } finally {
    for (const file of files) file.close();
  }
}
