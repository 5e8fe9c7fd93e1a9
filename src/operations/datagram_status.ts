import { number } from "./field.ts";

const DATAGRAMS = { name: "datagrams", kind: "counter", unit: "{datagram}" } as const;
const DATAGRAMS_HELP = "Datagrams passed on, up from clients to destinations and down back.";
const LOST = { name: "datagrams.lost", kind: "counter", unit: "{datagram}" } as const;
const LOST_HELP = "Datagrams that were not passed on, by reason.";

/** What a listener of UDP has passed on, and what it has not. */
export const DATAGRAM_FIELDS = {
  datagrams_up: number({
    help: "datagrams from clients to destinations",
    metric: { ...DATAGRAMS, help: DATAGRAMS_HELP, value: (all) => [[all, { direction: "up" }]] },
  }),
  datagrams_down: number({
    help: "datagrams from destinations to clients",
    metric: { ...DATAGRAMS, help: DATAGRAMS_HELP, value: (all) => [[all, { direction: "down" }]] },
  }),
  datagrams_dropped: number({
    help: "datagrams dropped since too many waited, or for too long",
    metric: { ...LOST, help: LOST_HELP, value: (all) => [[all, { reason: "dropped" }]] },
  }),
  datagrams_foreign: number({
    help: "datagrams dropped since somebody else had sent them to where a destination answers",
    metric: { ...LOST, help: LOST_HELP, value: (all) => [[all, { reason: "foreign" }]] },
  }),
  datagrams_unsent: number({
    help: "datagrams that the system could not send",
    metric: { ...LOST, help: LOST_HELP, value: (all) => [[all, { reason: "unsent" }]] },
  }),
};
