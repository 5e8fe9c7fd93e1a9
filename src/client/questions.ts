import { plural } from "../base/text.ts";
import type { Status } from "../operations/operations.ts";
import type { DestinationStatus } from "../operations/destination_status.ts";
import type { AdminState } from "../operations/states.ts";
import type { AdminClient } from "./admin_client.ts";
import { withoutMiddle } from "./columns.ts";
import type { Line } from "./drawing.ts";
import { formatSpan, plain } from "./format.ts";
import { isDestination, isNothing, type Sessions } from "./shapes.ts";
import { titleOf } from "./target.ts";

/** Longest name in a question, in characters: what to type has to be seen. */
const LONGEST_NAME = 30;

/** What an operator is asked before it is done. */
export interface Question {
  /** What would be done, without the question mark. */
  readonly what: string;
  /** What comes of it. */
  readonly note: string;
  /** Whether that is bad. */
  readonly grave: boolean;
  /** Does it, and tells what has come of it. */
  act(client: AdminClient): Promise<string>;
}

/** A question for the last line of the screen. */
export function questionLine({ what, note, grave }: Question): Line {
  return [
    { text: `${what}? y yes, n no`, style: "reverse" },
    { text: `  ${note}`, style: grave ? "red" : "yellow" },
  ];
}

/** The question before a destination is made that, or why it cannot be. */
export function stateQuestion(
  status: Status,
  id: string | undefined,
  state: AdminState,
): Question | string {
  const listener = status.listeners.find(({ destinations }) => {
    return destinations.some((one) => one.id === id);
  });
  const wanted = listener?.destinations.find((one) => one.id === id);
  if (!listener || !wanted) return "choose a destination with ↑↓ first";
  const title = `${wanted.id} ${withoutMiddle(plain(wanted.name), LONGEST_NAME)}`;
  if (wanted.leaving) return `${title} is being removed`;
  if (wanted.admin === state) return `${title} is ${state} already`;
  const last = state !== "ready" &&
    !listener.destinations.some((one) => one !== wanted && serves(one));
  return {
    what: `${state} ${title}`,
    note: state === "ready"
      ? "it takes sessions again"
      : `${last ? `nobody else serves ${plain(listener.name)}; ` : ""}it finishes ${
        plural(wanted.active, "session")
      }`,
    grave: last,
    async act(client) {
      const path = `/destinations/${encodeURIComponent(wanted.id)}`;
      const call = { method: "PATCH", body: { state } } as const;
      const changed = await client.call(path, isDestination, call);
      return `${titleOf(changed)}: ${changed.state}, ${changed.active} active`;
    },
  };
}

function serves({ state, weight, leaving }: DestinationStatus): boolean {
  return !leaving && weight > 0 && (state === "up" || state === "untried");
}

/** The question before a session is ended, or why it cannot be. */
export function endQuestion(
  answer: Sessions | undefined,
  id: string | undefined,
): Question | string {
  const session = answer?.sessions.find((one) => one.id === id);
  if (!session) return "choose a session with ↑↓ first";
  return {
    what: `end session ${session.id}`,
    note: `of ${plain(session.client)}, ${session.stage} for ${formatSpan(session.age_ms)}`,
    grave: true,
    async act(client) {
      await client.call(`/sessions/${session.id}`, isNothing, { method: "DELETE" });
      return `session ${session.id}: ended`;
    },
  };
}
