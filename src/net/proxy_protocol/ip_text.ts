import ipaddr from "ipaddr.js";

const IPV4 = /^(?:(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])(?:\.(?!$)|$)){4}$/;

/** An IPv4 address as it is written without leading zeros; `undefined` for any other text. */
export function strictIpv4(text: string): string | undefined {
  return IPV4.test(text) ? text : undefined;
}

/** An IPv6 address in the spelling of the kernel; `undefined` for any other text. */
export function strictIpv6(text: string): string | undefined {
  const [head = "", tail, ...others] = text.split("::");
  if (others.length > 0) return undefined;
  const before = groupsOf(head, { last: tail === undefined });
  const after = groupsOf(tail ?? "", { last: true });
  if (!before || !after) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  return ipv6Text([...before, ...new Array<number>(missing).fill(0), ...after]);
}

/** An IPv6 address of eight groups, as the kernel writes it. */
export function ipv6Text(groups: readonly number[]): string {
  const ip = new ipaddr.IPv6([...groups]);
  return ip.isIPv4MappedAddress() ? `::ffff:${ip.toIPv4Address()}` : ip.toRFC5952String();
}

/** The groups of a part of an IPv6 address, of which the last one may be written as IPv4. */
function groupsOf(text: string, { last }: { last: boolean }): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const words = text.split(":");
  for (const [i, word] of words.entries()) {
    if (/^[\da-f]{1,4}$/i.test(word)) groups.push(parseInt(word, 16));
    else if (last && i === words.length - 1 && strictIpv4(word) !== undefined) {
      const [a, b, c, d] = word.split(".").map(Number) as [number, number, number, number];
      groups.push(a << 8 | b, c << 8 | d);
    } else return undefined;
  }
  return groups;
}
