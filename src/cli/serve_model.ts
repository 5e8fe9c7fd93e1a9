import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { choice, count, type Option } from "../config/option.ts";
import { optionsOfService, type ServiceName } from "../config/options/service.ts";
import type { Arguments } from "./arguments.ts";

/** Most processes that accept at one port, as many as there can be threads. */
const MOST_ACCEPTING = 64;

/** Options of services that are for processes of which some wait. */
const POOL_OPTIONS = ["min-spare", "max-spare", "requests-per-process"] as const;

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
    of: ["event", "iterative", "process", "preforked", "threads", "hybrid"],
    default: "event",
    help: "event = one event loop for all clients; iterative = one client at a time, the others " +
      "wait until it has finished; process = a process for each client, see --max-processes; " +
      "preforked = processes that are started beforehand, each for one client after the other, see " +
      "--min-spare; threads = as many as --threads (auto unless given), each with an event loop, " +
      "that accept at the same port; hybrid = such threads, each with preforked processes of its own",
  }),
  "max-processes": count({
    default: 16,
    min: 1,
    max: 10_000,
    help: "process, preforked, hybrid: most processes, and so clients, at a time, see --overflow",
  }),
  accept: choice({
    of: ["each", "main", "parent", "kernel", "lock"],
    default: "each",
    help: "who accepts: threads, hybrid: each = every thread for itself, the only way there is; " +
      "preforked: parent (unless given) = the first process, which passes on what is sent; kernel = " +
      "each of --max-processes for itself, with a socket of its own at the same port; main and lock " +
      "are refused, since this runtime hands no connection to another thread, and with a socket for " +
      "each there is nothing to lock",
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
  readonly processes?: "each" | "pool" | "accept";
}

/**
 * What the model comes to that was asked for.
 *
 * @throws {UsageError} If it cannot be had like this.
 */
export function modelOf(
  given: Pick<Arguments, "own" | "options" | "addresses"> & { service: ServiceName },
): ModelSettings {
  const { own, options, addresses: [listen = ""] } = given;
  const model = valueOf("model", own);
  const maxClients = valueOf("max-clients", own);
  const { threads } = options;
  if (own.accept !== undefined) checkAccept(valueOf("accept", own), model);
  const isThreaded = model === "threads" || model === "hybrid";
  if (own["max-processes"] !== undefined && !["process", "preforked", "hybrid"].includes(model)) {
    throw new UsageError(
      `--max-processes ${quote(own["max-processes"])}: needs --model process, preforked or hybrid`,
    );
  }
  const pooled = POOL_OPTIONS.find((name) => own[name] !== undefined);
  if (pooled && own.processes === undefined && model !== "preforked" && model !== "hybrid") {
    throw new UsageError(
      `--${pooled} ${quote(own[pooled]!)}: needs --model preforked or hybrid`,
    );
  }
  if (own.model !== undefined && !isThreaded && ![undefined, "1"].includes(threads?.text)) {
    throw new UsageError(
      `--threads ${quote(threads!.text)}: --model ${model} has one; must be 1 or left out`,
    );
  }
  if (isThreaded && /^(udp|unix):/.test(listen)) {
    const what = listen.startsWith("udp:") ? "a UDP port" : "a Unix-domain socket";
    throw new UsageError(
      `--model ${quote(model)}: ${what} cannot be shared by threads in this runtime; ` +
        "must be event, iterative, process or preforked",
    );
  }
  switch (model) {
    case "event":
      return threads ? divided({ maxClients }, { by: "max-clients", threads }) : { maxClients };
    case "iterative":
      if (maxClients <= 1) return { maxClients: 1 };
      throw new UsageError(
        `--max-clients ${quote(String(maxClients))}: --model iterative serves one at ` +
          "a time; must be 1 or left out",
      );
    case "process":
      return processes("each", given);
    case "preforked":
      return own.accept === "kernel" ? accepting(given) : processes("pool", given);
    case "threads":
      return divided({ maxClients }, { by: "max-clients", threads });
    case "hybrid":
      return divided(processes("pool", given), { by: "max-processes", threads });
  }
}

/** What is divided among threads, of which each needs a part. */
function divided(
  settings: ModelSettings,
  { by, threads }: { by: ModelOptionName; threads: { readonly text: string } | undefined },
): ModelSettings {
  const { text = "auto" } = threads ?? {};
  const { maxClients } = settings;
  if (maxClients > 0 && Number(text) > maxClients) {
    throw new UsageError(
      `--threads ${quote(text)}: --${by} ${maxClients} cannot be divided by it; must be at most ` +
        maxClients,
    );
  }
  return { ...settings, threads: text };
}

/** What a model with processes comes to. */
function processes(
  kind: NonNullable<ModelSettings["processes"]>,
  { own, service }: Pick<Arguments, "own"> & { service: ServiceName },
): ModelSettings {
  const { model } = own;
  if (!optionsOfService(service).includes("processes")) {
    throw new UsageError(
      `--model ${quote(model!)}: ${service} has no processes; must be event or iterative`,
    );
  }
  if (own.processes !== undefined && own.processes !== kind) {
    throw new UsageError(
      `--processes ${quote(own.processes)}: must be ${kind}, or left out, with --model ${model}`,
    );
  }
  if (own["max-clients"] !== undefined) {
    throw new UsageError(
      `--max-clients ${quote(own["max-clients"])}: with --model ${model} it is --max-processes ` +
        "that says how many; must be left out",
    );
  }
  return { maxClients: valueOf("max-processes", own), processes: kind };
}

/** What processes that accept for themselves come to: each of them has one client at a time. */
function accepting(
  given: Pick<Arguments, "own" | "options" | "addresses"> & { service: ServiceName },
): ModelSettings {
  const { own, addresses: [listen = ""] } = given;
  const { maxClients } = processes("accept", given);
  const wrong = (problem: string) => new UsageError(`--accept "kernel": ${problem}`);
  if (/^(udp|unix):/.test(listen)) {
    throw wrong("only a port of TCP can be shared by processes; must be parent");
  }
  const pooled = POOL_OPTIONS.find((name) => own[name] !== undefined);
  if (pooled) {
    throw wrong(
      `--${pooled} says nothing where all of --max-processes are there; must be left out`,
    );
  }
  if (maxClients < 2 || maxClients > MOST_ACCEPTING) {
    throw new UsageError(
      `--max-processes ${quote(String(maxClients))}: with --accept kernel it must be from 2 to ` +
        MOST_ACCEPTING,
    );
  }
  return { maxClients, processes: "accept", threads: String(maxClients) };
}

/** Who accepts is a question only where several could, and this runtime leaves one answer. */
function checkAccept(accept: string, model: string): void {
  const wrong = (problem: string) => new UsageError(`--accept ${quote(accept)}: ${problem}`);
  const all: Readonly<Record<string, readonly string[]>> = {
    threads: ["each", "main"],
    hybrid: ["each", "main"],
    preforked: ["parent", "kernel", "lock"],
  };
  const words = all[model];
  if (!words) throw wrong("needs --model threads, preforked or hybrid");
  if (!words.includes(accept)) throw wrong(`must be ${words[0]} with --model ${model}`);
  if (accept === "main") {
    throw wrong("this runtime hands no connection to another thread; must be each");
  }
  if (accept !== "lock") return;
  throw wrong(
    "this runtime listens on no socket that it has inherited, so there is none to lock; must be " +
      "parent, or kernel with a socket for each process",
  );
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
