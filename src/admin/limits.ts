/** What the admin API allows itself and its clients; times in milliseconds. */
export interface Limits {
  /** How old a status or a list of sessions may be that is answered again. */
  snapshotAge: number;
  /** Time that a client has for the body of its request. */
  bodyTimeout: number;
  /** Event streams at a time. */
  streams: number;
  /** Between two statuses of the event streams. */
  eventInterval: number;
  /** Statuses in a row that a stream may miss because its reader does not read. */
  missedStatuses: number;
  /** Bytes that wait for the reader of a stream, beyond which it gets no status. */
  streamBuffer: number;
  /** Bytes that wait for the reader of a stream, beyond which it is cut. */
  streamBacklog: number;
  /** Bytes of the history at the beginning of a stream. */
  streamHistory: number;
  /** Time for answers under way when the server closes. */
  closePatience: number;
}

/** The limits of the program; tests have smaller ones. */
export const LIMITS: Limits = {
  snapshotAge: 200,
  bodyTimeout: 10_000,
  streams: 32,
  eventInterval: 1000,
  missedStatuses: 30,
  streamBuffer: 64 * 1024,
  streamBacklog: 1024 * 1024,
  // All 32 listeners that have one, each with full columns.
  streamHistory: 512 * 1024,
  closePatience: 1000,
};
