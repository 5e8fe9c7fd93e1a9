import { waitAtMost } from "../../async/wait_at_most.ts";
import { FatalError } from "../../base/errors.ts";
import type { Address } from "../../net/address.ts";
import { connect } from "../../net/connect.ts";
import type { Stream } from "../../net/stream.ts";
import { writeAll } from "../../net/write_all.ts";
import { LineInput } from "../../services/line_input.ts";
import {
  isDraining,
  MAX_MESSAGE,
  type Predecessor,
  readPredecessor,
  writeLine,
} from "./messages.ts";

/** How long the other process may take to answer, in milliseconds. */
const PATIENCE_MS = 10_000;

/** The process that is to be replaced, as long as it listens to this one. */
export class Meeting {
  /** What it has said of itself. */
  readonly predecessor: Predecessor & { readonly held: readonly Address[] };
  readonly #stream: Stream;
  readonly #input: LineInput;

  private constructor(
    stream: Stream,
    { input, predecessor }: { input: LineInput; predecessor: Meeting["predecessor"] },
  ) {
    this.#stream = stream;
    this.#input = input;
    this.predecessor = predecessor;
  }

  /**
   * Asks whoever answers at a path what it is.
   *
   * @param options.uid Who this is; a socket of others is not asked.
   * @returns Nothing if nobody of this user answers there.
   * @throws {FatalError} If somebody does, and is no process that can be replaced.
   */
  static async begin(
    path: string,
    { uid }: { uid: number | undefined },
  ): Promise<Meeting | undefined> {
    if (!isOwn(path, uid)) return undefined;
    const stream = await connect({ path }).catch(() => undefined);
    if (!stream) return undefined;
    const input = new LineInput(stream, MAX_MESSAGE);
    const line = await lineOf(input);
    const predecessor = line && readPredecessor(line);
    if (predecessor) return new Meeting(stream, { input, predecessor });
    stream.close();
    throw new FatalError(
      `Cannot replace anybody: whoever answers at ${path} does not say which process it is`,
    );
  }

  /**
   * Tells it that this process serves, so that it drains.
   *
   * @returns Whether it does; it has ended, or does nothing, otherwise.
   */
  async takeOver(): Promise<boolean> {
    try {
      await writeAll(this.#stream, writeLine({ replacedBy: Deno.pid }));
      const line = await lineOf(this.#input);
      return line !== undefined && isDraining(line);
    } catch {
      return false;
    } finally {
      this.close();
    }
  }

  /** It goes on. A second call does nothing. */
  close(): void {
    this.#stream.close();
  }
}

/** What others have put there, or a link to it, would say of itself what they like. */
function isOwn(path: string, uid: number | undefined): boolean {
  try {
    const info = Deno.lstatSync(path);
    return info.isSocket === true && (uid === undefined || info.uid === uid);
  } catch {
    return false;
  }
}

/** The next line, unless it takes too long or there is none. */
async function lineOf(input: LineInput): Promise<Uint8Array | undefined> {
  let line: Uint8Array | undefined;
  const reading = input.line().then((read) => void (line = read?.bytes), () => {});
  await waitAtMost(PATIENCE_MS, reading);
  return line;
}
