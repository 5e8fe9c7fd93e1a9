import type { Audience } from "../async/audience.ts";
import type { ClientHello } from "../net/client_hello/client_hello.ts";

/** What of its hello says where a session goes. */
export type Wish = Pick<ClientHello, "name" | "alpn">;

/** The destinations that serve what some clients have asked for. */
export interface Route extends Audience {
  /** How many sessions wait for it. */
  waiting: number;
}
