/** One step of the demo: what it does, and what there is to see. */
export interface Step {
  readonly name: string;
  /** How long it goes on where nobody presses Enter, in milliseconds. */
  readonly ms: number;
  /** Clients a second, unless as many are there already. */
  readonly rate: number;
  readonly most: number;
  /** Whether the server `flaky` is there. */
  readonly flaky: boolean;
  /** What happens, in a line. */
  readonly says: string;
  /** What to look at, for the tour. */
  readonly look: string;
}

/**
 * One round. All servers together answer about 47 clients a second, without `flaky` 35: the rates are
 * chosen by that.
 */
export const STEPS: readonly Step[] = [
  {
    name: "calm",
    ms: 12_000,
    rate: 10,
    most: 60,
    flaky: true,
    says: "10 clients a second: there is a free slot for each, so nobody waits",
    look:
      "The queue is empty. Each dot of a server is a slot: room for one client at a time. Who " +
      "comes gets a free one at once.",
  },
  {
    name: "rush",
    ms: 14_000,
    rate: 60,
    most: 200,
    flaky: true,
    says: "60 clients a second, more than the servers can do: the queue grows, nobody is refused",
    look:
      "The servers have no more clients than before: all slots are busy, and the others wait in " +
      "the order in which they came. Whoever has waited longest gets the next slot that is free.",
  },
  {
    name: "failure",
    ms: 14_000,
    rate: 45,
    most: 60,
    flaky: false,
    says: "flaky is gone, connects to it are refused: all wait for fast and slow, none is lost",
    look:
      "flaky is down, with the reason. Whom it refused has kept the place at the front of the " +
      "queue and goes to fast or slow. It is probed again and again, every 5 s at the latest.",
  },
  {
    name: "recovery",
    ms: 12_000,
    rate: 25,
    most: 60,
    flaky: true,
    says: "flaky is there again: a probe finds it, and the queue empties",
    look:
      "Nobody has to tell the balancer. The charts keep what has happened: the rush, how long " +
      "clients have waited, and when flaky went and came.",
  },
];
