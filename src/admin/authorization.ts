import { timingSafeEqual } from "@std/crypto/timing-safe-equal";

/**
 * Whether an `authorization` header has the token. The time that this takes tells nothing about it:
 * what is compared are hashes, all of them.
 */
export async function isAuthorized(header: string | null, token: string): Promise<boolean> {
  const [, given = ""] = /^bearer +([\x21-\x7e]+)$/i.exec(header ?? "") ?? [];
  return timingSafeEqual(await digest(given), await digest(token));
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
