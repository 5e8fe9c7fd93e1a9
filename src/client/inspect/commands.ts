import { UsageError } from "../../base/errors.ts";
import { DURATION_FORM, parseDuration } from "../../base/duration.ts";
import { after } from "../../base/timer.ts";
import { plural, quote } from "../../base/text.ts";
import { parsePeers } from "../../net/networks.ts";
import type { InspectionRecord, InspectionWish } from "../../operations/inspection.ts";
import type { AdminClient } from "../admin_client.ts";
import type { Context, CtlCommand } from "../command.ts";
import { formatBytes } from "../format.ts";
import { findDestination } from "../target.ts";
import { Capture } from "./capture.ts";
import { parseSize, SIZE_FORM } from "./size.ts";
import { inspected } from "./stream.ts";
import { InspectionView } from "./view.ts";

const DEFAULT_LIMIT = "64MiB";
/** A file has a head, and packets have some, too. */
const LEAST_LIMIT = 1024;
const DEFAULT_RATE = "64KiB";
const TERMS = ["listener", "destination", "client"];
const BOUNDS = ["limit", "for"];
const SIGNALS: readonly Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

/** `watch` shows what sessions carry, `capture` writes it. */
export const INSPECTION_COMMANDS: Readonly<Record<"watch" | "capture", CtlCommand>> = {
  watch: {
    form: "SESSION ... [--hex] [--rate SIZE] [--for TIME] [--capture FILE]",
    help:
      "what sessions carry, as it comes: > from the client, < to it; as text, or --hex; at most " +
      `--rate bytes in a second (${DEFAULT_RATE}); with --capture into a file as well; only with the ` +
      "token of --admin-token-file",
    operands: [],
    many: true,
    switches: ["json", "hex"],
    values: [...TERMS, ...BOUNDS, "rate", "capture"],
    check(operands, values) {
      check(operands, values);
      readSize(values, "rate", DEFAULT_RATE);
      if (values.has("limit") && !values.has("capture")) {
        throw new UsageError("--limit is for --capture FILE; the other bound is --for");
      }
    },
    async run(context) {
      const { values, switches, show } = context;
      const rate = readSize(values, "rate", DEFAULT_RATE);
      const view = new InspectionView({ hex: switches.has("hex"), rate });
      const file = values.get("capture");
      await look(context, {
        file,
        onRecord: (record) => show(view.lines(record), portable(record)),
      });
      show(view.rest(), undefined);
    },
  },
  capture: {
    form: "SESSION ... --file FILE [--limit SIZE] [--for TIME]",
    help:
      "writes what sessions carry to a file for Wireshark (pcapng; - is standard output), at most " +
      `--limit bytes (${DEFAULT_LIMIT}), until they are over, for --for, or until Ctrl-C; only with ` +
      "the token of --admin-token-file",
    operands: [],
    many: true,
    switches: ["json"],
    values: [...TERMS, ...BOUNDS, "file", "capture"],
    check(operands, values) {
      check(operands, values);
      fileOf(values);
    },
    async run(context) {
      await look(context, { file: fileOf(context.values), onRecord: () => {} });
    },
  },
};

/** The file that is written; `--capture` means the same. @throws {UsageError} If there is none. */
function fileOf(values: ReadonlyMap<string, string>): string {
  const file = values.get("file") ?? values.get("capture");
  if (file === undefined) {
    throw new UsageError("--file is missing: give --file FILE, or - for standard output");
  }
  return file;
}

function check(operands: readonly string[], values: ReadonlyMap<string, string>): void {
  for (const id of operands) {
    if (/^\d+\.\d+$/.test(id)) continue;
    throw new UsageError(
      `SESSION ${
        quote(id)
      }: must be an ID as sessions shows it, such as 1.7; a file is --file, a ` +
        "client --client",
    );
  }
  if (operands.length === 0 && !TERMS.some((name) => values.has(name))) {
    throw new UsageError(
      "which sessions is missing: give their IDs as sessions shows them, such as 1.7, or --listener, " +
        "--destination or --client",
    );
  }
  const client = values.get("client");
  if (client !== undefined && (client === "none" || !parsePeers(client))) {
    throw new UsageError(
      `--client ${quote(client)}: must be an address or a network such as 10.0.0.0/8, or unix`,
    );
  }
  if (readSize(values, "limit", DEFAULT_LIMIT) < LEAST_LIMIT) {
    throw new UsageError(`--limit ${quote(values.get("limit")!)}: must be at least 1KiB`);
  }
  readTime(values);
}

function readSize(values: ReadonlyMap<string, string>, name: string, usual: string): number {
  const text = values.get(name) ?? usual;
  const size = parseSize(text);
  if (size !== undefined) return size;
  throw new UsageError(`--${name} ${quote(text)}: must be ${SIZE_FORM}`);
}

/** @returns Milliseconds; `Infinity` unless `--for` is given. */
function readTime(values: ReadonlyMap<string, string>): number {
  const text = values.get("for");
  const time = text === undefined ? Infinity : parseDuration(text);
  if (time !== undefined && time > 0) return time;
  throw new UsageError(`--for ${quote(text!)}: must be ${DURATION_FORM}`);
}

/** Looks into sessions until they are over, the time is, the file is full, or somebody stops it. */
async function look(
  { client, operands, values, show }: Context,
  { file, onRecord }: { file: string | undefined; onRecord(record: InspectionRecord): void },
): Promise<void> {
  const wish = await readWish(client, operands, values);
  const limit = readSize(values, "limit", DEFAULT_LIMIT);
  using capture = file === undefined ? undefined : new Capture(file, { limit });
  using end = new End(readTime(values));
  try {
    for await (const record of inspected(client, wish, end.signal)) {
      onRecord(record);
      capture?.add(record);
      if (capture?.full) break;
    }
  } catch (error) {
    capture?.discard();
    throw error;
  }
  if (!capture || !file) return;
  capture.finish();
  const why = capture.full ? `the limit of ${formatBytes(limit)} is reached` : end.why;
  const { sessions, packets, bytes, lost } = capture.counts;
  const missing = lost === 0 ? "" : `; ${formatBytes(lost)} came too fast and are missing`;
  const line = `${file}: ${plural(sessions, "session")}, ${plural(packets, "packet")}, ` +
    `${formatBytes(bytes)}${missing}; ended since ${why}`;
  // Standard output is the file.
  if (file === "-") console.error(line);
  else show([line], { file, sessions, packets, bytes, lost, ended: why });
}

async function readWish(
  client: AdminClient,
  operands: readonly string[],
  values: ReadonlyMap<string, string>,
): Promise<InspectionWish> {
  const wanted = values.get("destination");
  return {
    sessions: operands,
    listener: values.get("listener"),
    destination: wanted && findDestination(await client.status(), wanted).id,
    client: values.get("client"),
  };
}

/** As JSON can have it. */
function portable(record: InspectionRecord): unknown {
  return record.kind === "bytes" ? { ...record, bytes: record.bytes.toBase64() } : record;
}

/** When looking ends though there is more: after a time, or when somebody stops it. */
class End implements Disposable {
  /** Why it ended. */
  why = "all of them are over";
  readonly #abort = new AbortController();
  readonly #timer;
  readonly #stop = () => this.#end("it was stopped");

  constructor(ms: number) {
    this.#timer = after(ms, () => this.#end("the time is over"));
    for (const name of SIGNALS) Deno.addSignalListener(name, this.#stop);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  #end(why: string): void {
    this.why = why;
    this.#abort.abort();
  }

  [Symbol.dispose](): void {
    this.#timer.stop();
    for (const name of SIGNALS) Deno.removeSignalListener(name, this.#stop);
  }
}
