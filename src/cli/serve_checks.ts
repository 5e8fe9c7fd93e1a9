import { UsageError } from "../base/errors.ts";
import { quote } from "../base/text.ts";
import { hasDatagrams, type ServiceName, serviceNames } from "../config/options/service.ts";
import type { Arguments } from "./arguments.ts";

/** What is known of a service that is to be on its own. */
export type Served = Pick<Arguments, "own" | "options" | "addresses"> & {
  readonly service: ServiceName;
};

/** Services that are there once for all clients, and what such a one is. */
const ONCE: Readonly<Partial<Record<ServiceName, string>>> = {
  chat: "chat is one room for all clients",
  syslog: "syslog shows its messages in the order of their coming",
};

/**
 * Makes sure that what was given for a service goes together, in the words of its flags: what comes
 * later knows a listener and its destination, which nobody has written here.
 *
 * @throws {UsageError} If it does not.
 */
export function checkServed({ service, addresses: [listen = ""], own, options }: Served): void {
  if (listen.startsWith("udp:") && !hasDatagrams(service)) {
    const others = serviceNames().filter(hasDatagrams).join(", ");
    throw new UsageError(
      `LISTEN ${
        quote(listen)
      }: ${service} speaks over connections only; must be without udp:, or ` +
        `SERVICE one of ${others}`,
    );
  }
  const once = ONCE[service];
  if (once && (own.model === "threads" || own.model === "hybrid")) {
    throw new UsageError(`--model ${quote(own.model)}: ${once}; must be event or iterative`);
  }
  const threads = options.threads?.text;
  if (once && threads !== undefined && !["1", "auto"].includes(threads)) {
    throw new UsageError(`--threads ${quote(threads)}: ${once}; must be 1 or left out`);
  }
  checkOwn(own);
}

/** The same for flags that the service alone has. */
export function checkOwn({ size = "0", body = "none" }: Arguments["own"]): void {
  if (Number(size) === 0 || body === "none") return;
  throw new UsageError(
    `--size ${quote(size)}: --body ${quote(body)} is the whole answer; must be 0 or left out`,
  );
}
