import { UsageError } from "../base/errors.ts";
import { nearest, quote } from "../base/text.ts";
import type { AdminClient } from "./admin_client.ts";
import type { CtlCommand } from "./command.ts";
import { namesOf } from "./names.ts";
import { isSessions } from "./shapes.ts";

/** A shell waits for what it offers: longest time for an answer, in milliseconds. */
const PATIENCE_MS = 1000;

/** Most sessions that are offered. */
const MOST_SESSIONS = 200;

const KINDS: Readonly<Record<string, (client: AdminClient) => Promise<readonly string[]>>> = {
  async destinations(client) {
    const { listeners } = await client.status();
    const all = listeners.flatMap((listener) => {
      const own = [...namesOf(listener), ...listener.destinations];
      return own.map(({ id, name }) => ({ id, name, within: `${listener.name}/${name}` }));
    });
    const number = new Map<string, number>();
    for (const { name } of all) number.set(name, (number.get(name) ?? 0) + 1);
    return all.map(({ id, name, within }) => {
      const spelling = number.get(name) === 1 ? name : within;
      return isWord(spelling) ? spelling : id;
    });
  },
  async listeners(client) {
    const { listeners } = await client.status();
    return listeners.map(({ id, name }) => isWord(name) ? name : String(id));
  },
  async sessions(client) {
    const path = `/sessions?limit=${MOST_SESSIONS}`;
    return (await client.call(path, isSessions)).sessions.map(({ id }) => id);
  },
};

/** Whether every shell takes it as it is: what it offers is put on the command line. */
function isWord(text: string): boolean {
  return /^[\w.:@%+/,[\]][\w.:@%+/,[\]-]*$/.test(text);
}

/** `iawlb ctl names`: what completion offers. */
export const NAMES: CtlCommand = {
  form: "[destinations|listeners|sessions]",
  help: "what there is, one on a line, which is what completion offers",
  operands: [],
  optional: 1,
  switches: ["json"],
  values: [],
  patience: PATIENCE_MS,
  check([kind]) {
    if (kind === undefined || Object.hasOwn(KINDS, kind)) return;
    const kinds = Object.keys(KINDS);
    throw new UsageError(
      `${quote(kind)}: must be one of ${kinds.join(", ")}; the nearest is ${nearest(kind, kinds)}`,
    );
  },
  async run({ client, operands: [kind = "destinations"], show }) {
    const names = [...new Set(await KINDS[kind]!(client))];
    show(names, names);
  },
};
