import { count, type Option } from "./option.ts";

/** The parameter `limit` of `GET /sessions`. */
export const SESSIONS_LIMIT: Option<number> = count({
  default: 100,
  min: 1,
  max: 10_000,
  help: "most sessions that are listed",
});
