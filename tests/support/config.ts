import { type Config, type ListenerTexts, readListener } from "../../src/config/config.ts";
import type { OptionName } from "../../src/config/options.ts";

/** The configuration of a listener with these addresses and options. */
export function configOf(
  addresses: readonly string[],
  { allow, deny, ...options }: Partial<Record<OptionName, string>> = {},
): Config {
  const [listen = "", ...destinations] = addresses;
  const rules: ListenerTexts["rules"] = [
    ...allow === undefined ? [] : [{ verdict: "allow", networks: allow } as const],
    ...deny === undefined ? [] : [{ verdict: "deny", networks: deny } as const],
  ];
  return readListener({ listen, destinations, options, rules });
}
