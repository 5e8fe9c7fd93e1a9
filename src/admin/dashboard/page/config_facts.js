// @ts-check

/** @typedef {import("../../../operations/config_in_force.ts").ConfigInForce} ConfigInForce */
/** @typedef {import("../../../operations/config_in_force.ts").Entries} Entries */
/** @typedef {import("../../../operations/config_in_force.ts").ListenerInForce} ListenerInForce */
/** @typedef {{ key: string, value: string, given: boolean }} Setting */

/** What belongs together, by the keys of the configuration file. */
const GROUPS = {
  "Policy and queue": [
    ...["balance", "queue", "queue-order", "overflow", "when-overloaded", "max-wait"],
    ...["retries", "redispatch", "half-close", "reject-with", "threads"],
  ],
  "Timeouts": [
    ...["queue-timeout", "connect-timeout", "idle-timeout", "half-close-timeout"],
    ...["answer-timeout", "session-timeout", "drain-timeout"],
  ],
  "Checks": [
    ...["check", "check-interval", "check-timeout", "fall", "rise", "agent-check", "slow-start"],
  ],
  "Limits": [
    ...["workers", "max-connections", "max-per-ip", "rate-per-ip", "rate-guard", "allow", "deny"],
    "backlog",
  ],
  "TLS and names": [
    ...["tls-cert", "tls-min", "tls-alpn", "tls-client-ca", "tls-handshakes", "certificates"],
    ...["accept-proxy", "send-proxy", "resolver", "resolve-interval", "resolve-empty"],
  ],
};

/**
 * What a listener runs by, in groups; the last one is all that is in none of the others.
 *
 * @param {Entries} options
 * @returns {{ title: string, settings: Setting[] }[]}
 */
export function groupsOf(options) {
  const named = new Set(Object.values(GROUPS).flat());
  const rest = Object.keys(options).filter((key) => !named.has(key) && key !== "name");
  return Object.entries({ ...GROUPS, "Everything else": rest }).map(([title, keys]) => ({
    title,
    settings: keys.flatMap((key) => {
      const entry = options[key];
      return entry ? [{ key, value: entry.value, given: entry.given }] : [];
    }),
  })).filter(({ settings }) => settings.length > 0);
}

/**
 * The same in a line: what somebody asks for first.
 *
 * @param {Entries} options
 */
export function gistOf(options) {
  const value = (/** @type {string} */ key) => options[key]?.value ?? "none";
  const wait = value("queue-timeout");
  const check = value("check");
  return [
    `balance ${value("balance")}`,
    `queue of ${value("queue")}${wait === "none" ? "" : ` for up to ${wait}`}`,
    `connect ${value("connect-timeout")}`,
    `idle ${value("idle-timeout")}`,
    check === "off" ? "no checks" : `check ${check} every ${value("check-interval")}`,
  ].join(", ");
}

/**
 * What is said of destinations of their own.
 *
 * @param {ListenerInForce} listener
 * @returns {{ name: string, text: string }[]}
 */
export function ownOptions({ destinations }) {
  return destinations.map(({ name, options }) => ({
    name,
    text: Object.entries(options)
      .filter(([key, { given }]) => given && key !== "name")
      .map(([key, { value }]) => `${key}=${value}`)
      .join(", "),
  })).filter(({ text }) => text !== "");
}
