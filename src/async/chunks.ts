import { Pace } from "./pace.ts";

/** Work in small parts: it yields where something else may come in between. */
export type Chunks<T> = Generator<void, T, void>;

/** Does all of the work at once. */
export function atOnce<T>(parts: Chunks<T>): T {
  for (;;) {
    const part = parts.next();
    if (part.done) return part.value;
  }
}

/** Does the work in turns of the event loop, so that sessions go on meanwhile. */
export async function inTurns<T>(parts: Chunks<T>): Promise<T> {
  // What is short is done at once.
  const pace = new Pace({ begun: true });
  for (;;) {
    const part = parts.next();
    if (part.done) return part.value;
    if (pace.due) await pace.turn();
  }
}
