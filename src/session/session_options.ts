import type { Settings } from "../config/options.ts";
import type { BufferPool } from "../net/buffer_pool.ts";
import type { ClientSigns } from "./client_signs.ts";

/** What a session is made with. */
export interface SessionOptions {
  id: number;
  /** The number of its listener, 1 unless given. */
  listener?: number;
  now: number;
  buffers: BufferPool;
  /** Those in force; they may change. `keep` unless given. */
  settings?: Pick<Settings, "halfClose">;
  signs?: ClientSigns | undefined;
}
