import type { Logger } from "@logtape/logtape";
import type { Chunks } from "../async/chunks.ts";
import type { Config } from "../config/config.ts";
import {
  type ConfiguredDestination,
  type DestinationConfig,
  type DestinationTemplate,
  type DestinationTexts,
  isTemplate,
  writtenAddress,
} from "../config/destination_text.ts";
import type { Found } from "../destinations/discovery/found.ts";
import { keyOfRecord, recordConfig } from "../destinations/discovery/record_config.ts";
import { type Pause, Watch, type WatchSettings } from "../destinations/discovery/watch.ts";
import { isSelf } from "../net/address_relations.ts";
import type { Resolver } from "../net/dns/records.ts";
import { makeResolver } from "../net/dns/resolver.ts";
import type { NameStatus } from "../operations/name_status.ts";
import type { AdminState } from "../operations/states.ts";

/** Of how many records that are gone it is kept what the operator wanted of them. */
const STATES_LIMIT = 4096;

/** How names are looked up, where it is not as configured. */
export interface LookUps {
  /** Who is asked. */
  resolver: Resolver;
  /** Waits between look-ups; by the clock unless given. */
  pause?: Pause;
}

/** Options of {@linkcode Discovery}. */
export interface DiscoveryOptions {
  lookUps?: LookUps | undefined;
  log: Logger;
  /** Has the records that there are by now put in force. */
  apply(): Promise<void>;
}

/** What counts at each look-up. */
type Settings = WatchSettings & Pick<Config, "resolver" | "listen">;

/** A name that is watched. */
interface Known {
  template: DestinationTemplate;
  readonly watch: Watch;
  /** What the operator wants of all its records. */
  admin: AdminState;
}

/** What the operator has set for one record alone. */
interface Override {
  readonly texts: DestinationTexts;
  /** The record as it was then. */
  readonly server: Found;
}

/**
 * The names of one listener whose records are destinations: once for all its threads.
 *
 * What a name leads to comes and goes with its records. What an operator wants of a record, or of the
 * name as a whole, stays until the operator wants something else; options that were set for one
 * record count until that is gone or the configuration is read again, its weight and tier until
 * the record tells others.
 */
export class Discovery {
  /** Who is asked, and who is told. */
  readonly #options: DiscoveryOptions;
  /** By the keys of the templates. */
  readonly #known = new Map<string, Known>();
  /** What the operator wants of single records, by their keys, the latest last. */
  readonly #states = new Map<string, AdminState>();
  /** What the operator has set for single records, by their keys. */
  readonly #overrides = new Map<string, Override>();
  /** Who is asked, as soon as there was a name. */
  #resolver: Resolver | undefined;
  /** How names are looked up. */
  #settings: Settings;
  #stopped = false;

  constructor(config: Config, options: DiscoveryOptions) {
    this.#options = options;
    this.#settings = config;
    this.configure(config);
  }

  /** Takes over names, and how they are looked up; those that stay keep their records. */
  configure(config: Pick<Config, "configured"> & Settings): void {
    const before = this.#settings;
    this.#settings = config;
    const asksOthers = JSON.stringify(config.resolver) !== JSON.stringify(before.resolver);
    if (asksOthers) this.#resolver?.use(config.resolver);
    const isNews = asksOthers || config.resolveInterval !== before.resolveInterval ||
      config.resolveEmpty !== before.resolveEmpty;
    const templates = config.configured.filter(isTemplate);
    const keys = new Set(templates.map(({ key }) => key));
    for (const [key, { watch }] of this.#known) {
      if (keys.has(key)) continue;
      watch.stop();
      this.#known.delete(key);
      this.#forgetStates(key);
    }
    for (const template of templates) {
      const known = this.#known.get(template.key);
      if (!known) this.#begin(template);
      else {
        known.template = template;
        if (isNews) known.watch.look();
      }
    }
  }

  /** All servers of a configuration in its order: those that are in it, and the records of its names. */
  *serversOf(configured: readonly ConfiguredDestination[]): Chunks<DestinationConfig[]> {
    const servers: DestinationConfig[] = [];
    const records = new Set<string>();
    for (const one of configured) {
      if (!isTemplate(one)) servers.push(one);
      else {
        for (const record of this.#recordsOf(one)) {
          servers.push(record);
          records.add(record.key);
          yield;
        }
      }
    }
    for (const key of this.#overrides.keys()) if (!records.has(key)) this.#overrides.delete(key);
    return servers;
  }

  /** Sets options of one record alone. */
  override({ key, source }: DestinationConfig, texts: DestinationTexts): void {
    for (const { template, watch } of this.#known.values()) {
      if (template.name !== source) continue;
      const server = watch.servers.find((server) => keyOfRecord(template, server) === key);
      const before = this.#overrides.get(key)?.texts;
      if (server) this.#overrides.set(key, { texts: { ...before, ...texts }, server });
    }
  }

  /** Forgets what was set for single records. Returns which of them had something of their own. */
  revert(): ReadonlySet<string> {
    const keys = new Set(this.#overrides.keys());
    this.#overrides.clear();
    return keys;
  }

  /** Notes what the operator wants of one record from now on. */
  setState({ key }: DestinationConfig, state: AdminState): void {
    this.#states.delete(key);
    this.#states.set(key, state);
    for (const oldest of this.#states.keys()) {
      if (this.#states.size <= STATES_LIMIT) break;
      this.#states.delete(oldest);
    }
  }

  /**
   * Notes what the operator wants of all records of a name, also of those that are still to come.
   * Returns whether that is something else for any of them.
   */
  setStateOfAll({ key }: DestinationTemplate, state: AdminState): boolean {
    const known = this.#known.get(key);
    const different = known?.admin !== state;
    if (known) known.admin = state;
    return this.#forgetStates(key) || different;
  }

  /** What the names are doing. */
  statuses(idOf: (template: DestinationTemplate) => string): NameStatus[] {
    return [...this.#known.values()].map(({ template, watch, admin }) => ({
      id: idOf(template),
      name: template.name,
      address: writtenAddress(template),
      admin,
      records: watch.servers.length,
      failures: watch.failures,
      last_error: watch.lastError,
      age_ms: watch.age,
    }));
  }

  /** Whether nothing is looked up any more. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Looks nothing up any more. */
  stop(): void {
    this.#stopped = true;
    for (const { watch } of this.#known.values()) watch.stop();
    this.#resolver?.close();
  }

  /** Forgets what the operator wanted of single records of a name. Returns whether there was any. */
  #forgetStates(key: string): boolean {
    let found = false;
    for (const record of this.#states.keys()) {
      if (record.startsWith(`${key}@`)) found = this.#states.delete(record);
    }
    return found;
  }

  /** What records are connected by: whatever the listener speaks. */
  get #transport(): "tcp" | "udp" {
    return this.#settings.listen.transport === "udp" ? "udp" : "tcp";
  }

  #begin(template: DestinationTemplate): void {
    if (this.#stopped) return;
    const { lookUps, log, apply } = this.#options;
    this.#resolver ??= lookUps?.resolver ?? makeResolver(this.#settings.resolver);
    const watch = new Watch({
      lookup: template.lookup,
      name: template.name,
      resolver: this.#resolver,
      pause: lookUps?.pause,
      settings: () => this.#settings,
      onChange: apply,
      log,
      isOwn: ({ hostname, port }) => {
        return isSelf(this.#settings.listen, { transport: this.#transport, hostname, port });
      },
    });
    this.#known.set(template.key, { template, watch, admin: "ready" });
    watch.run().catch((error) => {
      log.error("a name is not looked up any more, which is a defect: {error}", { error });
    });
  }

  *#recordsOf(template: DestinationTemplate): Generator<DestinationConfig, void> {
    const known = this.#known.get(template.key);
    // Nothing is looked up any more.
    if (!known) return;
    for (const server of known.watch.servers) {
      const key = keyOfRecord(template, server);
      const texts = this.#overrideOf(key, server);
      const admin = this.#states.get(key) ?? known.admin;
      yield recordConfig(template, server, { texts, admin, transport: this.#transport });
    }
  }

  #overrideOf(key: string, now: Found): DestinationTexts {
    const override = this.#overrides.get(key);
    if (!override) return {};
    const { texts, server } = override;
    if (server.weight === now.weight && server.tier === now.tier) return texts;
    const { weight: _, backup: __, ...rest } = texts;
    this.#overrides.set(key, { texts: rest, server: now });
    return rest;
  }
}
