import type { ServiceSettings } from "../config/options/service.ts";
import { plural } from "../base/text.ts";
import { after } from "../base/timer.ts";
import type { Stream } from "../net/stream.ts";
import { type Line, LineInput } from "./line_input.ts";
import { Member } from "./member.ts";
import { Room } from "./room.ts";
import { type Client, converse, type Service, type ServiceContext } from "./service.ts";
import { escaped } from "./escaped.ts";
import { withoutTelnet } from "./telnet.ts";

/** How long somebody may take to say a name, in milliseconds. */
const NAME_MS = 60_000;

/** Most names that /who lists. */
const LISTED = 256;

const CLOSED = "* the room is closed";
const COMMANDS = "/who lists the members, /nick NAME is another name, /quit leaves";

/** How a room is kept. */
export type ChatSettings = Pick<ServiceSettings, "members" | "line">;

/** A room: what one member writes, all others read, line by line. */
export function chat(settings: () => ChatSettings, context: ServiceContext): Service {
  const room = new Room();
  const all = new Set<Member>();
  let finishing = false;

  async function attend(stream: Stream, client: Client): Promise<void> {
    const member = new Member(stream, room);
    all.add(member);
    // Whoever has left is missed where it is read from.
    const writing = member.write().catch(() => {});
    try {
      if (finishing) return member.end(CLOSED);
      await talk(member, new LineInput(stream, settings().line), client);
    } finally {
      all.delete(member);
      room.leave(member);
      member.end();
      // What it was told last is still to be read.
      await writing;
    }
  }

  async function talk(member: Member, input: LineInput, client: Client): Promise<void> {
    if (!await introduce(member, input, client)) return;
    for (let line = await input.line(); line; line = await input.line()) {
      const text = textOf(line);
      if (line.cut) {
        await member.say(`* not passed on: longer than ${plural(settings().line, "byte")}`);
      } else if (text.startsWith("/")) {
        if (!await command(member, text)) return;
      } else if (text !== "") await room.post(member, `<${member.name}> ${text}`);
    }
  }

  /** Lets a client say who it is; returns whether it has joined. */
  async function introduce(member: Member, input: LineInput, client: Client): Promise<boolean> {
    const late = after(NAME_MS, () => member.end("* you have not said a name in time"));
    try {
      const { members } = settings();
      if (room.size >= members) return await full(member);
      await member.say("* your name?");
      for (let line = await input.line(); line; line = await input.line()) {
        if (room.size >= members) return await full(member);
        const name = line.cut ? "" : textOf(line);
        const problem = room.nameProblem(name, member);
        if (problem !== undefined) {
          await member.say(`* ${problem}; your name?`);
          continue;
        }
        await room.join(member, name);
        context.log.debug("{client} is {name} in the chat", {
          client: client.name,
          name: member.name,
        });
        await member.say(`* hello ${member.name}, with you ${countOf(room)}; ${COMMANDS}`);
        return true;
      }
      return false;
    } finally {
      late.stop();
    }
  }

  async function full(member: Member): Promise<boolean> {
    await member.say(`* the room is full: ${plural(room.size, "member")}`);
    return false;
  }

  /** Does what a member asks for; returns whether it stays. */
  async function command(member: Member, text: string): Promise<boolean> {
    const [word, ...rest] = text.split(/ +/);
    const operand = rest.join(" ");
    switch (word) {
      case "/who": {
        const names = room.names(LISTED);
        const more = room.size > names.length ? ` and ${room.size - names.length} more` : "";
        await member.say(`* ${countOf(room)}: ${names.join(" ")}${more}`);
        return true;
      }
      case "/nick": {
        const problem = room.nameProblem(operand, member);
        if (problem === undefined) await room.rename(member, operand);
        await member.say(`* ${problem ?? `you are ${member.name}`}`);
        return true;
      }
      case "/quit":
        return false;
      default:
        await member.say(`* no such command: ${word}; ${COMMANDS}`);
        return true;
    }
  }

  return {
    connect: (client) => converse((stream) => attend(stream, client), context),
    finish(now) {
      finishing = now;
      if (now) { for (const member of all) member.end(CLOSED); }
    },
  };
}

function countOf({ size }: Room): string {
  return size === 1 ? "there is 1" : `there are ${size}`;
}

function textOf({ bytes }: Line): string {
  return escaped(new TextDecoder().decode(withoutTelnet(bytes))).trim();
}
