import { cut } from "../../base/text.ts";
import { shownBytes } from "../../net/shown_bytes.ts";
import type { Wish } from "../../session/route.ts";
import type { Session } from "../../session/session.ts";
import { lastWordsFor, type Routes } from "../routes/routes.ts";
import { GreetingFailure } from "./failure.ts";

/**
 * Notes what a client asks for in its hello, and binds its session to the destinations that have it.
 *
 * @param options.hello Nothing if it has sent no hello.
 * @param options.said What it has sent instead.
 * @throws {GreetingFailure} If nobody has it.
 */
export function bindAsAsked(
  session: Session,
  { hello, said, routes }: {
    hello: Wish | undefined;
    said?: string | undefined;
    routes: Pick<Routes, "active" | "bind">;
  },
): void {
  session.hello = hello;
  // Whatever was asked for when it came, nobody may ask any more.
  const missing = routes.active ? routes.bind(session, hello) : undefined;
  if (!missing) return;
  const lastWords = hello && lastWordsFor(missing);
  throw new GreetingFailure("unknown-name", said ?? problemWith(hello!, missing), { lastWords });
}

/** What exactly nobody has, harmless in a log. */
function problemWith({ name, alpn }: Wish, missing: "name" | "protocol"): string {
  if (missing === "name") return name === undefined ? "no name" : `no destination for ${name}`;
  const protocols = shownBytes(new TextEncoder().encode(alpn.join(" ")));
  return cut(
    `no destination for the protocols ${protocols} of ${name ?? "clients without a name"}`,
  );
}
