import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { choice, count, type Option } from "../config/option.ts";
import { optionsOfService, type ServiceName } from "../config/options/service.ts";
import type { Arguments } from "./arguments.ts";

/** Flags of `iawlb serve` that say how clients are served, by their names. */
export const MODEL_OPTIONS = {
  "max-clients": count({
    default: 0,
    min: 0,
    max: 1_000_000,
    help: "most clients at a time, see --overflow; 0 = as many as the limit of open files " +
      "(ulimit -n) has room for",
  }),
  model: choice({
    of: ["event", "iterative", "process", "threads"],
    default: "event",
    help: "event = one event loop for all clients; iterative = one client at a time, the others " +
      "wait until it has finished; process = a process for each client, see --max-processes; threads = several threads, as many as --threads (auto unless " +
      "given), each with an event loop that accepts from the same port",
  }),
  "max-processes": count({
    default: 16,
    min: 1,
    max: 10_000,
    help: "process: most processes, and so clients, at a time, see --overflow",
  }),
  accept: choice({
    of: ["each", "main"],
    default: "each",
    help: "threads: who accepts: each = every thread for itself; main = refused, since this " +
      "runtime hands no connection to another thread",
  }),
} as const satisfies Readonly<Record<string, Option<unknown>>>;

/** The name of such a flag, without its dashes. */
export type ModelOptionName = keyof typeof MODEL_OPTIONS;

/** The names of all of them. */
export const MODEL_OPTION_NAMES = Object.keys(MODEL_OPTIONS) as ModelOptionName[];

/** Whether a flag is one of them. */
export function isModelOption(name: string): name is ModelOptionName {
  return Object.hasOwn(MODEL_OPTIONS, name);
}

/** What a model comes to. */
export interface ModelSettings {
  /** Most clients at a time; 0 = any number. */
  readonly maxClients: number;
  /** How many threads, if that is different from what was given. */
  readonly threads?: string;
  /** What the service's option of this name is, if that is different from what was given. */
  readonly processes?: "each";
}

/**
 * What the model comes to that was asked for.
 *
 * @throws {UsageError} If it cannot be had like this.
 */
export function modelOf(
  given: Pick<Arguments, "own" | "options" | "addresses"> & { service: ServiceName },
): ModelSettings {
  const { own, options, addresses: [listen = ""], service } = given;
  const model = valueOf("model", own);
  const maxClients = valueOf("max-clients", own);
  const { threads } = options;
  if (own.accept !== undefined && model !== "threads") {
    throw new UsageError(`--accept ${quote(own.accept)}: needs --model threads`);
  }
  if (own["max-processes"] !== undefined && model !== "process") {
    throw new UsageError(`--max-processes ${quote(own["max-processes"])}: needs --model process`);
  }
  if (valueOf("accept", own) === "main") {
    throw new UsageError(
      '--accept "main": this runtime cannot hand a connection that it has accepted to another ' +
        "thread; must be each",
    );
  }
  if (own.model !== undefined && model !== "threads" && ![undefined, "1"].includes(threads?.text)) {
    throw new UsageError(
      `--threads ${quote(threads!.text)}: --model ${model} has one; must be 1 or left out`,
    );
  }
  switch (model) {
    case "event":
      return { maxClients };
    case "iterative":
      if (maxClients <= 1) return { maxClients: 1 };
      throw new UsageError(
        `--max-clients ${quote(String(maxClients))}: --model iterative serves one at ` +
          "a time; must be 1 or left out",
      );
    case "process":
      if (!optionsOfService(service).includes("processes")) {
        throw new UsageError(`--model "process": ${service} has no processes; must be another one`);
      }
      if (own.processes === "none") {
        throw new UsageError('--processes "none": must be each, or left out, with --model process');
      }
      if (own["max-clients"] !== undefined) {
        throw new UsageError(
          `--max-clients ${quote(own["max-clients"])}: with --model process it is ` +
            "--max-processes that says how many; must be left out",
        );
      }
      return { maxClients: valueOf("max-processes", own), processes: "each" };
    case "threads":
      if (/^(udp|unix):/.test(listen)) {
        const what = listen.startsWith("udp:") ? "a UDP port" : "a Unix-domain socket";
        throw new UsageError(
          `--model "threads": ${what} cannot be shared by threads in this runtime; ` +
            "must be event or iterative",
        );
      }
      return { maxClients, threads: threads?.text ?? "auto" };
  }
}

/** A value of which it is known that it is allowed. */
function valueOf<N extends ModelOptionName>(
  name: N,
  own: Arguments["own"],
): (typeof MODEL_OPTIONS)[N]["default"] {
  const option: Option<unknown> = MODEL_OPTIONS[name];
  const text = own[name];
  const value = text === undefined ? option.default : option.parse(text);
  return value as (typeof MODEL_OPTIONS)[N]["default"];
}
