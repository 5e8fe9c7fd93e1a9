/**
 * The numbers of syslog's facilities, but for those of the kernel and of syslog itself.
 *
 * @see RFC 5424, section 6.2.1; syslog(3) has the names.
 */
export const FACILITIES = {
  user: 1,
  mail: 2,
  daemon: 3,
  auth: 4,
  lpr: 6,
  news: 7,
  uucp: 8,
  cron: 9,
  authpriv: 10,
  ftp: 11,
  local0: 16,
  local1: 17,
  local2: 18,
  local3: 19,
  local4: 20,
  local5: 21,
  local6: 22,
  local7: 23,
} as const;

/** One of {@linkcode FACILITIES}. */
export type Facility = keyof typeof FACILITIES;

export const FACILITY_NAMES = Object.keys(FACILITIES) as readonly Facility[];
