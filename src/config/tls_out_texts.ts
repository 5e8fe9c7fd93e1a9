import type { Option } from "./option.ts";
import { TLS_OUT_NAMES, TLS_OUT_ROWS } from "./options/tls_out.ts";
import type { WrittenOptionName } from "./options/destination.ts";

/** What destinations that are no server at an address are told. */
export function withoutTls(
  texts: Readonly<Partial<Record<WrittenOptionName, string>>>,
  what: string,
): string | undefined {
  for (const name of TLS_OUT_NAMES) {
    const { format, parse, default: usual }: Option<unknown> = TLS_OUT_ROWS[name];
    const text = texts[name];
    if (text === undefined) continue;
    const value = parse(text);
    if (value === undefined || format(value) === format(usual)) continue;
    return `has ${name}, which is nothing for ${what}; must be without`;
  }
}
