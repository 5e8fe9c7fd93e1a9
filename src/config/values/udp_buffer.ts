import type { HeldLimits } from "../../net/udp/terms.ts";
import type { Option } from "../option.ts";

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** Most datagrams of a client, and most bytes of all, that can be asked for. */
const MOST_DATAGRAMS = 1024;
const MOST_BYTES = 4 * UNITS.GiB!;

/** How much is kept of what waits: datagrams and bytes of a session, and bytes of all. */
export function udpBuffer(spec: { default: HeldLimits; help: string }): Option<HeldLimits> {
  return {
    ...spec,
    form: "N,SIZE,SIZE",
    allowed: `a whole number from 1 to ${MOST_DATAGRAMS} and two sizes in KiB, MiB or GiB from ` +
      "1KiB to 4GiB, as in 16,256KiB,16MiB",
    parse(text) {
      const [, number = "", one = "", all = ""] = /^(\d{1,4}),([^,]+),([^,]+)$/.exec(text) ?? [];
      const [datagrams, bytes, total] = [Number(number), sizeOf(one), sizeOf(all)];
      if (bytes === undefined || total === undefined) return undefined;
      if (datagrams < 1 || datagrams > MOST_DATAGRAMS) return undefined;
      return { datagrams, bytes, total };
    },
    format: ({ datagrams, bytes, total }) => `${datagrams},${textOf(bytes)},${textOf(total)}`,
    notation: { pattern: "^[0-9]{1,4},[0-9]{1,7}(KiB|MiB|GiB),[0-9]{1,7}(KiB|MiB|GiB)$" },
  };
}

function sizeOf(text: string): number | undefined {
  const [, number = "", unit = ""] = /^(\d{1,7})(KiB|MiB|GiB)$/.exec(text) ?? [];
  const size = Number(number) * (UNITS[unit] ?? NaN);
  return size >= UNITS.KiB! && size <= MOST_BYTES ? size : undefined;
}

function textOf(size: number): string {
  const [unit, factor] = Object.entries(UNITS).findLast(([, factor]) => size % factor === 0)!;
  return `${size / factor}${unit}`;
}
