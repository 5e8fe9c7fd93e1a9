/**
 * A check that speaks the protocol of a server, so that the server neither counts it as an error nor
 * writes one to its log.
 */
export type CheckPreset =
  /** `PING` has to be answered. */
  | { readonly kind: "redis" }
  /** A question for encryption has to be answered or, with a user, the start of a session. */
  | { readonly kind: "postgres"; readonly user: string | undefined }
  /** A user without a password has to be able to log in. */
  | { readonly kind: "mysql"; readonly user: string }
  /** It has to greet, and to take EHLO or HELO. */
  | { readonly kind: "smtp" };

/** A user's name: printable, without what has a meaning in the text of a destination. */
const USER = "[!-+\\--\\[\\]-~]{1,80}";

/** A regular expression for the presets that name a user. */
export const USER_PATTERN = `(postgres|mysql):${USER}`;

/** Reads a preset; `undefined` if the text is not one. */
export function parsePreset(text: string): CheckPreset | undefined {
  if (text === "redis" || text === "smtp") return { kind: text };
  if (text === "postgres") return { kind: "postgres", user: undefined };
  const [, kind, user = ""] = new RegExp(`^(postgres|mysql):(${USER})$`).exec(text) ?? [];
  return kind === "postgres" || kind === "mysql" ? { kind, user } : undefined;
}

/** The text that {@linkcode parsePreset} reads back as the same. */
export function formatPreset(preset: CheckPreset): string {
  return "user" in preset && preset.user !== undefined
    ? `${preset.kind}:${preset.user}`
    : preset.kind;
}
