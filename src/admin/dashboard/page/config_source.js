// @ts-check
/// <reference lib="dom" />
import { ask } from "./api.js";

/** @typedef {import("../../../operations/config_in_force.ts").ConfigInForce} ConfigInForce */

/**
 * Who shows what is in force, until it is on the page no more.
 *
 * @type {Map<Element, (config: ConfigInForce | undefined) => void>}
 */
const configReaders = new Map();
/** @type {ConfigInForce | undefined} */
let configInForce;

/** Asks what is in force and tells everybody who shows it. */
export async function refreshConfig() {
  try {
    configInForce = await (await ask("/config")).json();
  } catch {
    // What was known is still the best that there is.
  }
  for (const [shown, read] of configReaders) {
    if (shown.isConnected) read(configInForce);
    else configReaders.delete(shown);
  }
}

/**
 * Tells what is in force, now and whenever it is asked for again.
 *
 * @param {Element} shown Where it is shown.
 * @param {(config: ConfigInForce | undefined) => void} read
 */
export function readConfig(shown, read) {
  configReaders.set(shown, read);
  read(configInForce);
}
