import type { ConfiguredDestination } from "./destination_text.ts";
import { isTemplate } from "./destination_text.ts";
import type { Settings } from "./options.ts";
import type { DestinationOptions } from "./options/destination.ts";

/** Which clients a destination serves, by what they say in their hello of TLS. */
export type HelloTerms = Pick<DestinationOptions, "sni" | "alpn">;

/** Whether a destination serves only some clients, whose hello has to be read for that. */
export function asksForHello({ sni, alpn }: HelloTerms): boolean {
  return sni.length > 0 || alpn.length > 0;
}

/** What is asked for by names, which may lead to no destination at the moment. */
export function wantedOf(configured: readonly ConfiguredDestination[]): HelloTerms[] {
  return configured.filter(isTemplate).filter(asksForHello).map(({ sni, alpn }) => ({ sni, alpn }));
}

/** Whether clients take turns by what they say in their hello. */
export function isFairByName({ queueOrder, fairBy }: Pick<Settings, "queueOrder" | "fairBy">) {
  return queueOrder === "fair" && fairBy === "sni";
}
