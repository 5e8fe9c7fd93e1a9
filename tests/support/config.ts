import { type Config, readListener } from "../../src/config.ts";
import type { OptionName } from "../../src/options.ts";

/** The configuration of a listener with these addresses and options. */
export function configOf(
  addresses: readonly string[],
  options: Partial<Record<OptionName, string>> = {},
): Config {
  const [listen = "", ...destinations] = addresses;
  return readListener({ listen, destinations, options, rules: [] });
}
