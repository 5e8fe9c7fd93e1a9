import type { Audience } from "./audience.ts";
import type { LaneMaker } from "./lane.ts";

/** How items are told apart that not everybody may have, and in which order they are served. */
export interface Order<T> {
  /** Who may have an item; `undefined` for everybody. */
  audienceOf(item: T): Audience | undefined;
  /** Whether an item is older than another one. */
  before(item: T, other: T): boolean;
  /** What decides who is next; first in, first out unless given. */
  readonly lanes?: LaneMaker<T>;
}
