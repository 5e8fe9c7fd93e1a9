import { closed } from "../net/conduit.ts";
import { DatagramStream } from "./datagram_stream.ts";
import type { Service } from "./service.ts";
import { SinkStream } from "./sink.ts";

/** Characters of a line, of so many that there are, from the blank on (RFC 864). */
const LINE = 72;
const CHARACTERS = 95;
const BLANK = 32;

/** How often the whole pattern is there in one piece. */
const TIMES = 9;

/** All lines, each one character further than the one before, several times. */
const PATTERN = makePattern();

/**
 * Sends lines of characters without end, and takes what it gets (RFC 864). A line is made when
 * somebody reads: a client that does not read is not sent to, and costs no memory.
 */
export function chargen(): Service {
  let finishing = false;
  return {
    connect: () => new CharacterStream(() => finishing),
    exchange: (client) => new DatagramStream(client, someCharacters),
    finish(now) {
      finishing = now;
    },
  };
}

class CharacterStream extends SinkStream {
  /** Whether it has sent enough. */
  readonly #isOver: () => boolean;
  /** Where in the pattern the next character is. */
  #at = 0;
  #over = false;

  constructor(isOver: () => boolean) {
    super();
    this.#isOver = isOver;
  }

  /** When it is over nobody is left who could take anything. */
  get gone(): boolean {
    return this.#isOver();
  }

  override read(buffer: Uint8Array): Promise<number> {
    if (this.#over) return Promise.reject(closed());
    if (this.#isOver()) return Promise.resolve(0);
    const number = Math.min(buffer.length, PATTERN.length - this.#at);
    buffer.set(PATTERN.subarray(this.#at, this.#at + number));
    this.#at = (this.#at + number) % PATTERN.length;
    return Promise.resolve(number);
  }

  override close(): void {
    this.#over = true;
    super.close();
  }
}

/** Up to so many characters, as RFC 864 has it for a datagram. */
const MOST_AT_ONCE = 512;

function someCharacters(): Uint8Array {
  return PATTERN.subarray(0, Math.floor(Math.random() * (MOST_AT_ONCE + 1)));
}

function makePattern(): Uint8Array {
  const pattern = new Uint8Array(TIMES * CHARACTERS * (LINE + 2));
  let at = 0;
  for (let line = 0; line < TIMES * CHARACTERS; line++) {
    for (let i = 0; i < LINE; i++) pattern[at++] = BLANK + (line + i) % CHARACTERS;
    pattern[at++] = 13;
    pattern[at++] = 10;
  }
  return pattern;
}
