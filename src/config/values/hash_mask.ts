import type { AddressMask } from "../../net/masked_address.ts";
import type { Option } from "../option.ts";

/** Two prefix lengths, the first one for IPv4. */
export function hashMask(spec: { default: AddressMask; help: string }): Option<AddressMask> {
  return {
    ...spec,
    form: "V4,V6",
    allowed: "two prefix lengths, the first from 1 to 32 and the second from 1 to 128, as in 24,56",
    parse(text) {
      const [, v4, v6] = /^(\d{1,2}),(\d{1,3})$/.exec(text)?.map(Number) ?? [];
      return isLength(v4, 32) && isLength(v6, 128) ? { v4, v6 } : undefined;
    },
    format: ({ v4, v6 }) => `${v4},${v6}`,
    notation: { pattern: "^[0-9]{1,2},[0-9]{1,3}$" },
  };
}

function isLength(bits: number | undefined, most: number): bits is number {
  return bits !== undefined && bits >= 1 && bits <= most;
}
