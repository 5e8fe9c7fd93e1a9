// A thread of the program whose balancer can be told to fail: to throw, to answer nothing, or to
// say nothing for a while.
import { LocalBalancer } from "../../src/balancer/local_balancer.ts";
import "../../src/threads/thread_main.ts";

/** What the thread can be told to do. */
export type Fault =
  | { readonly kind: "fail"; readonly call: "reconfigure" | "status" | "endSession" }
  | { readonly kind: "hush"; readonly call: "reconfigure" }
  | { readonly kind: "spin"; readonly ms: number };

globalThis.addEventListener("message", (event) => {
  const fault = (event as MessageEvent<Fault>).data;
  if (fault.kind === "fail") {
    LocalBalancer.prototype[fault.call] = () => {
      throw new Error(`told to fail at ${fault.call}`);
    };
  } else if (fault.kind === "hush") {
    LocalBalancer.prototype[fault.call] = () => new Promise(() => {});
  } else if (fault.kind === "spin") {
    const end = performance.now() + fault.ms;
    while (performance.now() < end);
  }
});
