import { choice, count, duration, type Option, table } from "../option.ts";
import { bodyFile } from "../values/body_file.ts";
import { failures } from "../values/failures.ts";
import { syslogFilter } from "../values/syslog_filter.ts";

/**
 * Every option of a built-in service: behind its name as a destination, and a flag of `iawlb serve`.
 * No option of a destination or of the program is called the same.
 */
export const SERVICE_OPTIONS = table({ scope: "destination", group: "Services" }, {
  processes: choice({
    of: ["none", "each", "pool", "accept"],
    default: "none",
    help:
      "echo, daytime, http: each = a process for each session, which is this program itself and " +
      "ends with it: there are as many at a time as the destination has workers; pool = as many, " +
      "which serve one session after the other, and of which some are started beforehand; accept = " +
      "each of --threads is a process, which accepts for itself; none = this process serves all",
  }),
  "min-spare": count({
    default: 2,
    min: 0,
    max: 1000,
    help: "echo, daytime, http: with processes=pool, how many processes wait for sessions at least",
  }),
  "max-spare": count({
    default: 5,
    min: 1,
    max: 1000,
    help: "echo, daytime, http: with processes=pool, how many wait at most; others end",
  }),
  "requests-per-process": count({
    zero: "none",
    default: 0,
    min: 0,
    max: 1_000_000_000,
    help:
      "echo, daytime, http: with processes=pool, after how many sessions a process ends; 0 = never",
  }),
  delay: duration({
    zero: "none",
    default: 0,
    max: 3_600_000,
    help: "http: time before each answer",
  }),
  jitter: duration({
    zero: "none",
    default: 0,
    max: 3_600_000,
    help: "http: longest further time before each answer, by chance",
  }),
  fail: failures({
    help:
      "http: N% of the requests, by chance, get no answer: their connection is closed; with a " +
      "TIME it is there for so long, and then cannot be connected for as long, again and again; " +
      "0% = never",
  }),
  size: count({
    default: 0,
    min: 0,
    max: 1_000_000_000,
    help: "http: bytes of each answer's body, in lines of text; 0 = a line that greets",
  }),
  status: count({
    default: 200,
    min: 200,
    max: 599,
    help: "http: status of each answer, such as 503",
  }),
  body: bodyFile({
    help: "http: a file of at most 1 MiB that is each answer's body, such as a page for times of " +
      "maintenance; it is read at the start and at each reload; none = what --size says",
  }),
  requests: count({
    zero: "none",
    default: 1,
    min: 0,
    max: 1_000_000_000,
    help: "http: most requests on one connection; with 1 each waits for its own turn in the " +
      "queue; 0 = as many as the client wants",
  }),
  filter: syslogFilter({
    help: "syslog: which messages are shown: FACILITY.LEVEL, such as mail.warning: of this " +
      "facility, or of all with *, and at least as severe; several separated by + are an or",
  }),
  members: count({
    default: 256,
    min: 1,
    max: 10_000,
    help: "chat: most members of the room; who comes when it is full is told so, and closed",
  }),
  line: count({
    default: 256,
    min: 16,
    max: 4096,
    help: "chat: longest line in bytes; a longer one is not passed on, which its member is told",
  }),
});

/** The name of an option of a service, which is the same wherever it is written. */
export type ServiceOptionName = keyof typeof SERVICE_OPTIONS;

/** The value of every option of a service; durations in milliseconds. */
export type ServiceSettings = {
  readonly [N in ServiceOptionName]: (typeof SERVICE_OPTIONS)[N] extends Option<infer T> ? T
    : never;
};

/** Those about the processes of a service. */
const PROCESSES = ["processes", "min-spare", "max-spare", "requests-per-process"] as const;

/** What is built in. */
export const SERVICES = {
  echo: { help: "sends back what it gets (RFC 862)", options: PROCESSES, answers: 1 },
  discard: { help: "takes everything and says nothing (RFC 863)", options: [] },
  chargen: { help: "sends lines of characters without end (RFC 864)", options: [], answers: 1 },
  daytime: {
    help: "tells the day and the time, in UTC, as text (RFC 867)",
    options: PROCESSES,
    answers: 1,
  },
  time: { help: "tells the seconds since 1900 in four bytes (RFC 868)", options: [], answers: 1 },
  http: {
    help: "answers every request over HTTP",
    datagrams: false,
    options: [...PROCESSES, "delay", "jitter", "fail", "size", "status", "body", "requests"],
  },
  syslog: {
    help: "shows the messages that it gets on standard output (RFC 6587, 5424, 3164)",
    options: ["filter"],
  },
  chat: {
    help: "a room of people: what one writes, all others read, line by line",
    datagrams: false,
    options: ["members", "line"],
  },
} as const satisfies Readonly<
  Record<string, {
    readonly help: string;
    readonly options: readonly ServiceOptionName[];
    /** Whether it also speaks over UDP; it does unless given. */
    readonly datagrams?: false;
    /** How many datagrams answer one; 0 unless given. */
    readonly answers?: number;
  }>
>;

/** The name of a built-in service. */
export type ServiceName = keyof typeof SERVICES;

/** The names of all services, in the order in which they are documented. */
export function serviceNames(): ServiceName[] {
  return Object.keys(SERVICES) as ServiceName[];
}

/** Whether there is a service of this name. */
export function isService(name: string): name is ServiceName {
  return Object.hasOwn(SERVICES, name);
}

/** The options of all services, in the order in which they are written. */
export function serviceOptionNames(): ServiceOptionName[] {
  return Object.keys(SERVICE_OPTIONS) as ServiceOptionName[];
}

/**
 * Those that can be given from outside of the configuration. What is in a file of this machine is not
 * to be read by whoever can add a destination, and no process to be started.
 */
export function remoteServiceOptionNames(): ServiceOptionName[] {
  return serviceOptionNames().filter((name) => name !== "body" && !isOfProcesses(name));
}

/** Whether an option is about the processes of a service, not about what it does. */
export function isOfProcesses(name: ServiceOptionName): boolean {
  return (PROCESSES as readonly string[]).includes(name);
}

/** Whether there is an option of a service of this name. */
export function isServiceOption(name: string): name is ServiceOptionName {
  return Object.hasOwn(SERVICE_OPTIONS, name);
}

/** The options of one service. */
export function optionsOfService(name: ServiceName): readonly ServiceOptionName[] {
  return SERVICES[name].options;
}

/** Whether a service also speaks over UDP. */
export function hasDatagrams(name: ServiceName): boolean {
  return !("datagrams" in SERVICES[name]);
}

/** How many datagrams of a service answer one. */
export function answersOfService(name: ServiceName): number {
  const service = SERVICES[name];
  return "answers" in service ? service.answers : 0;
}

/** The service that an option is for. */
export function serviceOf(option: ServiceOptionName): ServiceName {
  return serviceNames().find((name) => optionsOfService(name).includes(option))!;
}
