import { Histogram } from "./histogram.ts";
import type { Latencies } from "./operations.ts";

/** How long sessions took, stage by stage. */
export class Timings {
  readonly queue = new Histogram();
  readonly connect = new Histogram();
  readonly session = new Histogram();

  get data(): Latencies {
    return { queue: this.queue.data, connect: this.connect.data, session: this.session.data };
  }
}
