/** How much of a service there may be; what was not given is absent. */
export interface Guard {
  /** Most new sessions in a minute; then nobody for ten minutes. */
  readonly perMinute?: number;
  /** Most sessions at a time. */
  readonly most?: number;
  /** Most sessions at a time from one client address. */
  readonly mostPerClient?: number;
}

/** The most that such a number can be. */
const MOST = 1_000_000;

/**
 * Reads the field `wait` or `nowait`, with what stands behind it: `nowait.PER-MINUTE` or
 * `nowait:PER-MINUTE` as OpenBSD, NetBSD, Debian and GNU have it, `nowait.MOST.PER-MINUTE`, and
 * `nowait/MOST/0/MOST-PER-CLIENT` of FreeBSD, where 0 is no limit and the rest may be missing.
 */
export function readWaiting(
  text: string,
  fail: (problem: string) => never,
): { wait: boolean; guard: Guard } {
  const [, word, limits = ""] = /^([a-z]*)(.*)$/s.exec(text)!;
  if (word !== "wait" && word !== "nowait") {
    fail("must be nowait, nowait.MOST-PER-MINUTE or wait");
  }
  const wait = word === "wait";
  if (limits === "") return { wait, guard: {} };
  const numbers = limits.slice(1).split(limits[0]!).map((part) => {
    return /^\d{1,7}$/.test(part) && Number(part) <= MOST ? Number(part) : NaN;
  });
  if (numbers.some(Number.isNaN)) {
    fail(`has a limit that is none; must be a whole number from 1 to ${MOST}`);
  }
  if (limits.startsWith("/")) return { wait, guard: ofFreeBsd(numbers, fail) };
  if (!/^[.:]/.test(limits) || numbers.length > 2) {
    fail("must be nowait, nowait.MOST-PER-MINUTE or nowait.MOST.MOST-PER-MINUTE");
  }
  if (numbers.includes(0)) fail(`has the limit 0; must be from 1 to ${MOST}`);
  const [first, second] = numbers;
  const guard = second === undefined ? { perMinute: first! } : { most: first!, perMinute: second };
  return { wait, guard };
}

function ofFreeBsd(numbers: readonly number[], fail: (problem: string) => never): Guard {
  const [most = 0, perMinute = 0, mostPerClient = 0, ...more] = numbers;
  if (more.length > 0) fail("has a limit too many; must be nowait/MOST/0/MOST-PER-CLIENT");
  if (perMinute > 0) {
    fail(
      "limits the connections of one client in a minute, which is counted by the second here; must " +
        "be 0, and see --rate-per-ip",
    );
  }
  return { ...(most > 0 && { most }), ...(mostPerClient > 0 && { mostPerClient }) };
}
