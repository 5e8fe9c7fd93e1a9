import type { Destination } from "../destinations/destination.ts";
import type { Ended, EndReason } from "../operations/end_reasons.ts";
import { HistogramMark } from "../operations/histogram.ts";
import type { DestinationSample, ListenerSample } from "../operations/sample.ts";
import type { Parts } from "./parts.ts";
import { liveBytes } from "./status.ts";

/** What a listener or a destination had counted at the latest look. */
class Counted {
  accepted = 0;
  sessions = 0;
  failures = 0;
  downs = 0;
  up = 0;
  down = 0;
  readonly durations = new HistogramMark();
}

/** Looks at a balancer from time to time, and tells what has happened in between. */
export class Sampler {
  readonly #parts: Parts;
  readonly #listener = new Counted();
  readonly #ended: Ended = {};
  /** Of those that it looked at the latest time, and whether these were all. */
  #destinations = new Map<Destination, Counted>();
  #hadAll = true;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /**
   * Looks again.
   *
   * @param limit Of how many destinations it tells; the first ones.
   */
  take(limit: number): ListenerSample {
    const { registry, queue, timekeeper, destinations } = this.#parts;
    const before = this.#listener;
    const { all } = destinations;
    const live = liveBytes(registry.live);
    let [up, down] = [registry.bytesUp, registry.bytesDown];
    for (const bytes of live.values()) {
      up += bytes.up;
      down += bytes.down;
    }
    const known = this.#destinations;
    this.#destinations = new Map();
    const sample: ListenerSample = {
      waiting: queue.size,
      active: all.reduce((sum, { active }) => sum + active, 0),
      accepted: registry.accepted - before.accepted,
      ended: this.#endedSince(),
      bytes_up: up - before.up,
      bytes_down: down - before.down,
      queue: timekeeper.timings.queue.takeSince(before.durations),
      destinations: all.slice(0, limit).map((one) => {
        const before = known.get(one) ?? new Counted();
        this.#destinations.set(one, before);
        const counted = { before, live: live.get(one) };
        // What it did while nobody looked is not of now.
        if (!known.has(one) && !this.#hadAll) sampleOf(one, counted);
        return sampleOf(one, counted);
      }),
    };
    this.#hadAll = all.length <= limit;
    before.accepted = registry.accepted;
    before.up = up;
    before.down = down;
    return sample;
  }

  #endedSince(): Ended {
    const since: Ended = {};
    for (const [name, number] of Object.entries(this.#parts.registry.ended)) {
      const reason = name as EndReason;
      const more = number - (this.#ended[reason] ?? 0);
      if (more === 0) continue;
      since[reason] = more;
      this.#ended[reason] = number;
    }
    return since;
  }
}

function sampleOf(
  destination: Destination,
  { before, live }: { before: Counted; live: { up: number; down: number } | undefined },
): DestinationSample {
  const { sessions, failures, standing } = destination;
  const { downs } = standing;
  const up = destination.bytesUp + (live?.up ?? 0);
  const down = destination.bytesDown + (live?.down ?? 0);
  const sample: DestinationSample = {
    number: destination.number,
    name: destination.name,
    state: standing.shown,
    leaving: destination.leaving,
    active: destination.active,
    downs: downs - before.downs,
    reason: downs === before.downs ? "" : standing.error,
    sessions: sessions - before.sessions,
    failures: failures - before.failures,
    bytes_up: up - before.up,
    bytes_down: down - before.down,
    session: destination.timings.session.takeSince(before.durations),
  };
  Object.assign(before, { sessions, failures, downs, up, down });
  return sample;
}
