import { after, type Timer } from "../../base/timer.ts";
import type { Answer, Resolver } from "./records.ts";

/** How long addresses of one kind wait for those of the other where one is enough, in milliseconds. */
export const OTHER_KIND_MS = 500;

/** Options of {@linkcode askBothKinds}. */
export interface BothKindsOptions {
  resolver: Pick<Resolver, "resolve">;
  /** How long a kind that has addresses waits for the other one, in milliseconds. */
  patience: number;
  /** Gives both up. */
  signal?: AbortSignal;
}

/** Asks for both kinds of addresses of a name at once; what became of A and of AAAA. */
export async function askBothKinds(
  name: string,
  { resolver, patience, signal }: BothKindsOptions,
): Promise<[PromiseSettledResult<Answer>, PromiseSettledResult<Answer>]> {
  const giving = new AbortController();
  const onAbort = () => giving.abort(signal!.reason);
  signal?.throwIfAborted();
  signal?.addEventListener("abort", onAbort, { once: true });
  let timer: Timer | undefined;
  const ask = async (type: "A" | "AAAA") => {
    const answer = await resolver.resolve(name, type, { signal: giving.signal });
    if (answer.kind === "records") {
      const late = new Error(`no answer about the other kind of addresses in ${patience} ms`);
      timer ??= after(patience, () => giving.abort(late));
    }
    return answer;
  };
  try {
    return await Promise.allSettled([ask("A"), ask("AAAA")]);
  } finally {
    timer?.stop();
    signal?.removeEventListener("abort", onAbort);
  }
}
