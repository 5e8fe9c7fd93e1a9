import type { Logger } from "@logtape/logtape";
import { shortIp } from "../net/address.ts";
import { type AccessRule, isAllowed } from "../net/networks.ts";
import type { Clock } from "../base/clock.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Session } from "../session/session.ts";
import type { Settings } from "../config/options.ts";
import { RateLimit } from "./rate_limit.ts";
import type { EndReason } from "../operations/end_reasons.ts";

/** End reasons of connections that were refused. */
export type Refusal = Extract<EndReason, `refused-${string}`>;

type AdmissionSettings = Pick<Settings, "maxConnections" | "maxPerIp" | "ratePerIp">;

/** Whose address counts. */
type Client = Pick<Session, "clientAddress">;

/** Options of {@linkcode Admission}. */
export interface AdmissionOptions {
  /** Those in force; see {@linkcode Admission.apply}. */
  settings: AdmissionSettings;
  rules: readonly AccessRule[];
  registry: SessionRegistry;
  /** What all sessions of the process share. */
  descriptors: DescriptorBudget;
  clock: Clock;
  log: Logger;
}

/**
 * Who is admitted, and how many at a time.
 *
 * A client is known by its address; clients on a Unix-domain socket have none and are exempt from
 * what counts by address.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Those in force. */
  #rules: readonly AccessRule[];
  /** Counts by address what comes; absent without `ratePerIp`. */
  #rate: RateLimit | undefined;
  /** Live sessions by address; kept only if `maxPerIp` needs it. */
  readonly #perIp = new Map<string, number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#rules = options.rules;
    this.#rate = this.#newRate();
  }

  /** Applies new rules, and settings that have changed meanwhile. */
  apply({ rules, before }: { rules: readonly AccessRule[]; before: AdmissionSettings }) {
    const { settings, registry } = this.#options;
    this.#rules = rules;
    if (settings.ratePerIp !== before.ratePerIp) this.#rate = this.#newRate();
    if (settings.maxPerIp > 0 && before.maxPerIp === 0) {
      // Who has come since the settings changed is counted already, and is among those alive.
      this.#perIp.clear();
      for (const session of registry.live) {
        if (session.stage !== "greeting") this.#count(ipOf(session));
      }
    } else if (settings.maxPerIp === 0) this.#perIp.clear();
  }

  #newRate(): RateLimit | undefined {
    const { settings: { ratePerIp }, clock } = this.#options;
    return ratePerIp > 0 ? new RateLimit(ratePerIp, clock) : undefined;
  }

  #count(ip: string | undefined): void {
    if (ip !== undefined) this.#perIp.set(ip, (this.#perIp.get(ip) ?? 0) + 1);
  }

  /** Whether one more session may be accepted, as far as their number goes. */
  get open(): boolean {
    return this.#options.registry.live.size < this.#most && this.affordable;
  }

  /**
   * Whether there are descriptors for one more session: for its client, and to connect with. The
   * only one of a listener always has them, whatever other listeners have.
   */
  get affordable(): boolean {
    const { registry, descriptors, log } = this.#options;
    if (registry.live.size === 0 || descriptors.open) return true;
    if (descriptors.limited && descriptors.tellOnce()) {
      log.info("the limit of open files has room for {limit} sessions at a time", {
        limit: descriptors.sessions,
      });
    }
    return false;
  }

  /** Most sessions at a time, unless there are too few descriptors. */
  get #most(): number {
    return this.#options.settings.maxConnections || Infinity;
  }

  /**
   * Resolves once one more session may be accepted, which has to be looked at again.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async below(options: { signal: AbortSignal }): Promise<void> {
    await this.#options.registry.below(this.#most, options);
    await this.afford(options);
  }

  /**
   * Resolves once there may be descriptors for one more session.
   *
   * @throws The signal's reason, if it is aborted first.
   */
  async afford({ signal }: { signal: AbortSignal }): Promise<void> {
    if (!this.affordable) await this.#options.descriptors.room(signal);
  }

  /** Why a session is refused, or `undefined` if it is not; then {@linkcode leave} has to follow. */
  enter(session: Client): Refusal | undefined {
    const refusal = this.decide(session);
    if (refusal === undefined) this.#options.descriptors.enter();
    return refusal;
  }

  /**
   * A connection is there of which it is not known yet who the client is: it has its descriptors, and
   * counts for nothing else. {@linkcode decide} has to follow, or {@linkcode forget}.
   */
  reserve(): void {
    this.#options.descriptors.enter();
  }

  /** It has ended before it was admitted, or was refused. */
  forget(): void {
    this.#options.descriptors.leave();
  }

  /** Why a session that has its descriptors is refused; if it is not, {@linkcode leave} follows. */
  decide(session: Client): Refusal | undefined {
    const ip = ipOf(session);
    if (ip === undefined) return undefined;
    const { maxPerIp } = this.#options.settings;
    if (!isAllowed(this.#rules, ip)) return "refused-address";
    if (maxPerIp > 0) {
      if ((this.#perIp.get(ip) ?? 0) >= maxPerIp) return "refused-per-ip";
      if (this.#rate && !this.#rate.take(ip)) return "refused-rate";
      this.#count(ip);
      return undefined;
    }
    return this.#rate && !this.#rate.take(ip) ? "refused-rate" : undefined;
  }

  /** A session that was admitted has ended. */
  leave(session: Client): void {
    this.#options.descriptors.leave();
    if (this.#options.settings.maxPerIp === 0) return;
    const ip = ipOf(session);
    if (ip === undefined) return;
    const number = this.#perIp.get(ip)! - 1;
    if (number > 0) this.#perIp.set(ip, number);
    else this.#perIp.delete(ip);
  }
}

/** The IP address of a session's client, without the form that a dual-stack socket gives IPv4. */
function ipOf({ clientAddress }: Client): string | undefined {
  return clientAddress.transport === "tcp" ? shortIp(clientAddress.hostname) : undefined;
}
