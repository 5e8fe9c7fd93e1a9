import { NO_TLS } from "./no_tls.ts";
import type { Policy } from "../../src/balancer/policies/policy.ts";
import type { DestinationConfig } from "../../src/config/destination_text.ts";
import { Destination } from "../../src/destinations/destination.ts";

/** A destination that is not connected to, at the number; its name is a letter. */
export function destinationAt(
  number: number,
  options: Partial<DestinationConfig> = {},
  clock: () => number = () => 0,
): Destination {
  const config: DestinationConfig = {
    address: { transport: "tcp", hostname: undefined, port: number },
    key: `${number}`,
    name: String.fromCharCode(96 + number),
    workers: 1000,
    "workers-max": 256,
    weight: 1,
    backup: 0,
    check: null,
    sni: [],
    alpn: [],
    "send-proxy": "off",
    ...NO_TLS,
    "agent-check": null,
    ...options,
  };
  return new Destination(config, clock, number);
}

/** A policy that has destinations of these weights, all with free slots. */
export function policyWith<P extends Policy>(
  policy: P,
  weights: readonly number[],
): { policy: P; destinations: Destination[] } {
  const destinations = weights.map((weight, i) => destinationAt(i + 1, { weight }));
  for (const one of destinations) policy.add(one);
  for (const one of destinations) policy.update(one, one.weight > 0);
  return { policy, destinations };
}

/** A session begins at a destination, as the worker pool tells it. */
export function begin(policy: Policy, one: Destination): void {
  one.workers++;
  policy.update(one, one.hasRoom);
}

/** One ends there. */
export function end(policy: Policy, one: Destination): void {
  one.workers--;
  policy.update(one, one.hasRoom);
}

/** So many short sessions, one after the other: who got them. */
export function serve(policy: Policy, sessions: number): Destination[] {
  return Array.from({ length: sessions }, () => {
    const next = policy.next()!;
    begin(policy, next);
    end(policy, next);
    return next;
  });
}

/** The names of destinations, in a row. */
export function names(destinations: readonly Destination[]): string {
  return destinations.map(({ name }) => name).join("");
}

/** How often each of them is among those that got sessions. */
export function counts(all: readonly Destination[], got: readonly Destination[]): number[] {
  const numbers = new Map(all.map((one) => [one, 0]));
  for (const one of got) numbers.set(one, numbers.get(one)! + 1);
  return all.map((one) => numbers.get(one)!);
}
