import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Tokens } from "./caller.ts";

/**
 * Whose token an `authorization` header has, if it is anybody's. The time that this takes tells
 * nothing about the tokens: what is compared are hashes, all of them.
 */
export async function ownerOf(
  header: string | null,
  { operator, reader }: Tokens,
): Promise<keyof Tokens | undefined> {
  const [, given = ""] = /^bearer +([\x21-\x7e]+)$/i.exec(header ?? "") ?? [];
  const shown = await digest(given);
  const isOperator = await isSame(shown, operator);
  const isReader = await isSame(shown, reader);
  return isOperator ? "operator" : isReader ? "reader" : undefined;
}

async function isSame(shown: ArrayBuffer, token: string | undefined): Promise<boolean> {
  return timingSafeEqual(shown, await digest(token ?? "")) && token !== undefined;
}

async function digest(text: string): Promise<ArrayBuffer> {
  return await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
}
