import { messageOf } from "../base/errors.ts";
import type { Status } from "../operations/operations.ts";
import type { AdminClient } from "./admin_client.ts";
import { SORT_ORDERS } from "./destination_rows.ts";
import type { Line, Style } from "./drawing.ts";
import type { News } from "./feed.ts";
import { formatSpan, plain } from "./format.ts";
import type { Key } from "./keys.ts";
import { endQuestion, type Question, questionLine, stateQuestion } from "./questions.ts";
import { History } from "./rates.ts";
import { isPast, isSessions, type Past, type Sessions } from "./shapes.ts";
import { Trends } from "./trends.ts";
import { drawFrame } from "./view.ts";

/** The rates are those of so many milliseconds. */
const RATE_SPAN_MS = 5000;

/** After so long without a status, the view says that it is old, in milliseconds. */
const SILENCE_MS = 3000;

/** How long what has come of an action stays, in milliseconds. */
const NOTICE_MS = 6000;

/** Most sessions that are listed. */
const MOST_SESSIONS = 500;

/** Something that changes the view. */
export type Message =
  | News
  | { readonly kind: "key"; readonly key: Key }
  | { readonly kind: "past"; readonly past: Past }
  | { readonly kind: "sessions"; readonly answer: Sessions }
  | { readonly kind: "notice"; readonly text: string; readonly bad: boolean }
  | { readonly kind: "redraw" }
  | { readonly kind: "quit" };

/** A status, and an earlier one that gives the rates. */
interface Look {
  readonly now: Status;
  readonly before: Status | undefined;
}

/** What is on the screen, and what keys do to it. */
export class LiveView {
  readonly #client: AdminClient;
  readonly #post: (message: Message) => void;
  readonly #history = new History(RATE_SPAN_MS);
  readonly #trends = new Trends();
  /** What was heard last. */
  #latest: Look;
  /** What is shown, which is older while it is paused. */
  #shown: Look;
  /** When a status came last. */
  #lastNews = performance.now();
  /** Why there are none, once the connection has ended. */
  #lost: string | undefined;
  #offset = 0;
  /** Which of the orders. */
  #sort = 0;
  #paused = false;
  /** Live sessions while they are shown in the place of destinations. */
  #sessions: Sessions | "none yet" | undefined;
  /** Whether they are being asked for. */
  #asking = false;
  /** IDs of the rows that are chosen in both lists. */
  readonly #chosen: { destination?: string; session?: string } = {};
  /** What can be chosen, as it was drawn last. */
  #ids: readonly string[] = [];
  #rows = 24;
  /** What is asked. */
  #question: Question | undefined;
  /** Whether it was drawn. */
  #isAsked = false;
  #notice: { readonly text: string; readonly style: Style; readonly until: number } | undefined;

  constructor(
    client: AdminClient,
    options: { first: Status; post: (message: Message) => void },
  ) {
    this.#client = client;
    this.#post = options.post;
    this.#latest = this.#shown = { now: options.first, before: undefined };
    this.#enter(options.first);
    this.#shown = this.#latest;
    this.#askPast();
  }

  /** The lines of the screen. */
  draw(size: { columns: number; rows: number }): readonly Line[] {
    const { now, before } = this.#shown;
    const frame = drawFrame(now, before, {
      ...size,
      offset: this.#offset,
      sort: SORT_ORDERS[this.#sort]!,
      paused: this.#paused,
      warning: this.#warning(),
      trends: this.#trends,
      sessions: this.#sessions,
      chosen: this.#sessions ? this.#chosen.session : this.#chosen.destination,
      bottom: this.#bottom(),
      old: this.#lost !== undefined,
    });
    this.#offset = frame.offset;
    this.#ids = frame.ids;
    this.#rows = size.rows;
    this.#isAsked = this.#question !== undefined;
    return frame.lines;
  }

  /**
   * Takes what has happened. Returns what follows from it.
   *
   * @throws What a `failed` says.
   */
  take(message: Message): "quit" | "stop" | undefined {
    switch (message.kind) {
      case "status":
        message.taken();
        this.#takeStatus(message.status);
        return;
      case "lost":
        this.#lost = plain(message.why);
        this.#question = undefined;
        return;
      case "failed":
        throw message.error;
      case "past":
        this.#trends.fill(message.past);
        return;
      case "sessions":
        if (this.#sessions && !this.#paused) this.#sessions = message.answer;
        return;
      case "notice":
        // What is wider than a column would break the line, and with it the picture.
        this.#tell(plain(message.text.split("\n")[0]!), message.bad ? "red" : "green");
        return;
      case "key":
        return this.#takeKey(message.key);
      case "redraw":
        return;
      case "quit":
        return "quit";
    }
  }

  #takeStatus(status: Status): void {
    const another = status.pid !== this.#latest.now.pid;
    this.#lost = undefined;
    this.#enter(status);
    if (!this.#paused) this.#shown = this.#latest;
    if (another) this.#askPast();
    this.#askSessions();
  }

  #enter(status: Status): void {
    this.#latest = { now: status, before: this.#history.add(status) };
    this.#trends.add(status);
    this.#lastNews = performance.now();
  }

  #takeKey(key: Key): "quit" | "stop" | undefined {
    if (key === "stop") return "stop";
    this.#notice = undefined;
    const asked = this.#question;
    if (asked) {
      // What was typed before the question could be read is no answer.
      if (key === "yes" && !this.#isAsked) return;
      this.#question = undefined;
      if (key === "yes") this.#act(asked);
      else if (key === "quit") return "quit";
      return;
    }
    switch (key) {
      case "quit":
        return "quit";
      case "sort":
        this.#sort = (this.#sort + 1) % SORT_ORDERS.length;
        return;
      case "pause":
        this.#paused = !this.#paused;
        if (!this.#paused) this.#shown = this.#latest;
        return;
      case "switch":
        this.#sessions = this.#sessions ? undefined : "none yet";
        this.#offset = 0;
        this.#askSessions();
        return;
      case "drain":
      case "ready":
      case "maint":
        if (!this.#sessions) this.#ask(key);
        return;
      case "kill":
        if (this.#sessions) this.#ask(key);
        return;
      case "yes":
      case "no":
        return;
      default:
        this.#choose(key);
    }
  }

  /** Chooses another row. */
  #choose(key: "up" | "down" | "page up" | "page down" | "top" | "end"): void {
    const ids = this.#ids;
    const kind = this.#sessions ? "session" : "destination";
    const page = Math.max(1, this.#rows - 3);
    const steps = { "up": -1, "down": 1, "page up": -page, "page down": page };
    // From none the first one is next.
    const at = ids.indexOf(this.#chosen[kind] ?? "");
    const to = key === "top" ? 0 : key === "end" ? ids.length - 1 : at + steps[key];
    const id = ids[Math.max(0, Math.min(to, ids.length - 1))];
    if (id !== undefined) this.#chosen[kind] = id;
  }

  #ask(key: "drain" | "ready" | "maint" | "kill"): void {
    if (this.#lost !== undefined) return this.#tell("disconnected", "red");
    const sessions = this.#sessions === "none yet" ? undefined : this.#sessions;
    const question = key === "kill"
      ? endQuestion(sessions, this.#chosen.session)
      : stateQuestion(this.#latest.now, this.#chosen.destination, key);
    if (typeof question === "string") this.#tell(question, "yellow");
    else {
      this.#question = question;
      this.#isAsked = false;
    }
  }

  async #act(question: Question): Promise<void> {
    this.#tell(`${question.what} ...`, "dim");
    try {
      this.#post({ kind: "notice", text: await question.act(this.#client), bad: false });
    } catch (error) {
      this.#post({ kind: "notice", text: messageOf(error), bad: true });
    }
    this.#askSessions();
  }

  /** Asks what happened before, which an earlier version does not tell. */
  #askPast(): void {
    this.#client.call("/history?span=5m", isPast)
      .then((past) => this.#post({ kind: "past", past }), () => {});
  }

  /** Asks for the sessions, if they are shown. */
  #askSessions(): void {
    if (!this.#sessions || this.#asking || this.#lost !== undefined) return;
    this.#asking = true;
    this.#client.call(`/sessions?limit=${MOST_SESSIONS}`, isSessions)
      .then((answer) => this.#post({ kind: "sessions", answer }))
      .catch((error) => this.#post({ kind: "notice", text: messageOf(error), bad: true }))
      .finally(() => this.#asking = false);
  }

  #tell(text: string, style: Style): void {
    this.#notice = { text, style, until: performance.now() + NOTICE_MS };
  }

  #warning(): string | undefined {
    const silence = performance.now() - this.#lastNews;
    if (this.#lost !== undefined) {
      const planned = this.#latest.now.state === "draining";
      return `${planned ? "ended as planned" : "disconnected"}, looking for it again, last seen ${
        formatSpan(Math.max(1000, Math.round(silence / 1000) * 1000)).replace(".0 s", " s")
      } ago`;
    }
    return silence >= SILENCE_MS ? `no news for ${Math.round(silence / 1000)} s` : undefined;
  }

  /** What stands in the place of the keys, if anything does. */
  #bottom(): Line | undefined {
    if (this.#question) return questionLine(this.#question);
    if (this.#notice && performance.now() < this.#notice.until) {
      const { text, style } = this.#notice;
      return [{ text, style }];
    }
    return this.#lost === undefined
      ? undefined
      : [{ text: "q quit  ", style: "dim" }, { text: this.#lost, style: "red" }];
  }
}
