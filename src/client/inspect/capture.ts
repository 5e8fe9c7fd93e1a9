import { FatalError, fileProblem } from "../../base/errors.ts";
import { plural, quote } from "../../base/text.ts";
import type { InspectionRecord } from "../../operations/inspection.ts";
import { Conversation } from "./conversation.ts";
import { fileHeader } from "./pcapng.ts";
import project from "../../../deno.json" with { type: "json" };

/** Who may read what sessions carry: whoever has captured it. */
const MODE = 0o600;

/** A file of captured packets that is being written: whole blocks, and no more than so many bytes. */
export class Capture implements Disposable {
  /** Packets, and sessions of them, and bytes of the file. */
  readonly counts = { sessions: 0, packets: 0, bytes: 0, lost: 0 };
  /** Whether there was something that the file has no room for. */
  full = false;
  readonly #file:
    & Pick<typeof Deno.stdout, "writeSync">
    & Partial<Pick<Deno.FsFile, "truncateSync" | "close">>;
  /** Where it is; `undefined` if it is standard output. */
  readonly #path: string | undefined;
  readonly #limit: number;
  readonly #conversations = new Map<string, Conversation>();

  /** @throws {FatalError} If the file is there already, or cannot be written. */
  constructor(path: string, { limit }: { limit: number }) {
    this.#limit = limit;
    this.#path = path === "-" ? undefined : path;
    try {
      this.#file = path === "-"
        ? Deno.stdout
        : Deno.openSync(path, { write: true, createNew: true, mode: MODE });
    } catch (error) {
      const why = error instanceof Deno.errors.AlreadyExists
        ? "it is there already; give another name, or remove it"
        : error instanceof Deno.errors.NotFound
        ? "there is no such folder"
        : fileProblem(error);
      throw new FatalError(`${quote(path)} cannot be written: ${why}`);
    }
  }

  add(record: InspectionRecord): void {
    if (record.kind === "lost") {
      this.counts.lost += record.lost_bytes;
      return;
    }
    let conversation = this.#conversations.get(record.session);
    if (!conversation) {
      if (record.kind !== "session") return;
      conversation = new Conversation(record);
      this.#conversations.set(record.session, conversation);
      this.counts.sessions++;
    }
    if (record.kind === "over") this.#conversations.delete(record.session);
    this.finish();
    for (const block of conversation.blocksOf(record)) {
      if (this.full || this.counts.bytes + block.length > this.#limit) {
        this.full = true;
        return;
      }
      this.#write(block);
      this.counts.packets++;
    }
  }

  /** A file into which nothing was captured is one that can be read all the same. */
  finish(): void {
    if (this.counts.bytes > 0) return;
    this.#write(fileHeader({ application: `iawlb ${project.version}`, interface: "iawlb" }));
  }

  /** Removes a file into which nothing was written that came. */
  discard(): void {
    if (this.#path !== undefined && this.counts.bytes === 0) Deno.removeSync(this.#path);
  }

  [Symbol.dispose](): void {
    if (this.#path !== undefined) this.#file.close?.();
  }

  #write(bytes: Uint8Array): void {
    try {
      for (let at = 0; at < bytes.length;) at += this.#file.writeSync(bytes.subarray(at));
    } catch (error) {
      const { bytes: whole, packets } = this.counts;
      // What there was room for of the last block is none.
      this.#file.truncateSync?.(whole);
      throw new FatalError(
        `${quote(this.#path ?? "-")} cannot be written: ${fileProblem(error)}` +
          (whole > 0 ? `; it has the ${plural(packets, "packet")} before` : ""),
      );
    }
    this.counts.bytes += bytes.length;
  }
}
