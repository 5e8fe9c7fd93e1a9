import type { Mark } from "../../operations/history.ts";

/** Most marks that are kept. */
const KEPT = 200;

/** More than so many destinations to which the same happens at once share a mark. */
const MOST_ALIKE = 10;

/** Names that such a mark has. */
const NAMED = 3;

/** A mark before it is known when it is. */
export type NewMark = Pick<Mark, "kind" | "text"> & { destination?: string };

/** What happened, the latest marks, for whoever wants to look or to follow. */
export class Marks {
  readonly #all: Mark[] = [];
  readonly #followers = new Set<(mark: Mark) => void>();

  /** Latest last. */
  get all(): readonly Mark[] {
    return this.#all;
  }

  add(mark: Mark): void {
    this.#all.push(mark);
    if (this.#all.length > KEPT) this.#all.shift();
    for (const follower of this.#followers) follower(mark);
  }

  /** Calls a function for every mark from now on. Returns what ends that. */
  follow(follower: (mark: Mark) => void): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/** The same marks, but one for each kind of which there are many. */
export function gathered(marks: readonly NewMark[]): NewMark[] {
  const byKind = Map.groupBy(marks, ({ kind }) => kind);
  return marks.flatMap((mark) => {
    const alike = byKind.get(mark.kind)!;
    if (alike.length <= MOST_ALIKE) return [mark];
    return mark === alike[0] ? [shared(mark.kind, alike)] : [];
  });
}

function shared(kind: Mark["kind"], alike: readonly NewMark[]): NewMark {
  const names = alike.slice(0, NAMED).map(({ destination }) => destination).join(", ");
  const others = `${names} and ${alike.length - NAMED} others`;
  return { kind, text: `${alike.length} destinations ${IN_WORDS[kind] ?? kind}: ${others}` };
}

const IN_WORDS: Partial<Record<Mark["kind"], string>> = {
  down: "are down",
  up: "are up again",
  drain: "are drained",
  ready: "are in service again",
  maint: "are in maintenance",
  added: "were added",
  removed: "were removed",
};
