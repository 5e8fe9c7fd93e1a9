// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";

/** @typedef {import("../../../operations/config_in_force.ts").ConfigInForce} ConfigInForce */

/** Who wants to know what is in force. @type {Set<(config: ConfigInForce | undefined) => void>} */
const configReaders = new Set();
/** @type {ConfigInForce | undefined} */
let configInForce;

/** Asks what is in force and tells everybody who shows it. */
export async function refreshConfig() {
  try {
    configInForce = await (await ask("/config")).json();
  } catch {
    // What was known is still the best that there is.
  }
  for (const read of configReaders) read(configInForce);
}

/**
 * Tells what is in force, now and whenever it is asked for again.
 *
 * @param {(config: ConfigInForce | undefined) => void} read
 */
export function readConfig(read) {
  configReaders.add(read);
  read(configInForce);
}
