import type { Logger } from "@logtape/logtape";
import { shortIp } from "../net/address.ts";
import { ClientNetworks } from "../net/client_networks.ts";
import { isSameMask } from "../net/masked_address.ts";
import { type AccessRule, isAllowed } from "../net/networks.ts";
import type { Clock } from "../base/clock.ts";
import type { DescriptorBudget } from "../net/descriptor_budget.ts";
import type { SessionRegistry } from "../session/registry.ts";
import type { Session } from "../session/session.ts";
import { OPTIONS, type Settings } from "../config/options.ts";
import { RateGuard } from "./rate_guard.ts";
import { SessionDescriptors } from "./session_descriptors.ts";
import { RateLimit } from "./rate_limit.ts";
import type { EndReason } from "../operations/end_reasons.ts";

/** End reasons of connections that were refused. */
export type Refusal = Extract<EndReason, `refused-${string}`>;

type AdmissionSettings = Pick<
  Settings,
  "maxConnections" | "maxPerIp" | "ratePerIp" | "perIpMask" | "rateGuard"
>;

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
  /** What each session has of these; 2 unless given. */
  sessionDescriptors?: SessionDescriptors;
  clock: Clock;
  log: Logger;
}

/**
 * Who is admitted, and how many at a time.
 *
 * A client is known by its address, and for what is counted by the leading bits of it. Clients on a
 * Unix-domain socket have none, and nothing is counted of them.
 */
export class Admission {
  readonly #options: AdmissionOptions;
  /** Those of live sessions. */
  readonly #sessionDescriptors: SessionDescriptors;
  /** Those in force. */
  #rules: readonly AccessRule[];
  /** Counts by address what comes; absent without `ratePerIp`. */
  #rate: RateLimit | undefined;
  /** Counts all that comes; absent without `rateGuard`. */
  #guard: RateGuard | undefined;
  /** Tells apart those who are counted. */
  #networks: ClientNetworks;
  /** Live sessions by network; kept only if `maxPerIp` needs it. */
  readonly #perIp = new Map<string, number>();

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#sessionDescriptors = options.sessionDescriptors ??
      new SessionDescriptors(options.descriptors);
    this.#rules = options.rules;
    this.#networks = new ClientNetworks(options.settings.perIpMask);
    this.#rate = this.#newRate();
    this.#guard = this.#newGuard();
  }

  /** Applies new rules, and settings that have changed meanwhile. */
  apply({ rules, before }: { rules: readonly AccessRule[]; before: AdmissionSettings }) {
    const { settings, registry } = this.#options;
    this.#rules = rules;
    const sameMask = isSameMask(settings.perIpMask, before.perIpMask);
    if (!sameMask) this.#networks = new ClientNetworks(settings.perIpMask);
    if (!sameMask || settings.ratePerIp !== before.ratePerIp) this.#rate = this.#newRate();
    const { format } = OPTIONS.rateGuard;
    if (format(settings.rateGuard) !== format(before.rateGuard)) this.#guard = this.#newGuard();
    if (sameMask && settings.maxPerIp > 0 && before.maxPerIp > 0) return;
    // Who has come since the settings changed may be counted already, and is among those alive.
    this.#perIp.clear();
    if (settings.maxPerIp === 0) return;
    for (const session of registry.live) {
      if (session.stage !== "greeting") this.#count(this.#networks.of(session.clientAddress));
    }
  }

  #newRate(): RateLimit | undefined {
    const { settings: { ratePerIp }, clock } = this.#options;
    return ratePerIp > 0 ? new RateLimit(ratePerIp, clock) : undefined;
  }

  #newGuard(): RateGuard | undefined {
    const { settings: { rateGuard }, clock, log } = this.#options;
    return rateGuard ? new RateGuard(rateGuard, { clock, log }) : undefined;
  }

  #count(network: string | undefined): void {
    if (network !== undefined) this.#perIp.set(network, (this.#perIp.get(network) ?? 0) + 1);
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
    if (registry.live.size === 0 || this.#sessionDescriptors.hasRoom) return true;
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
    if (refusal === undefined) this.#sessionDescriptors.enter();
    return refusal;
  }

  /**
   * A connection is there of which it is not known yet who the client is: it has its descriptors, and
   * counts for nothing else. {@linkcode decide} has to follow, or {@linkcode forget}.
   */
  reserve(): void {
    this.#sessionDescriptors.enter();
  }

  /** It has ended before it was admitted, or was refused. */
  forget(): void {
    this.#sessionDescriptors.leave();
  }

  /** Why a session that has its descriptors is refused; if it is not, {@linkcode leave} follows. */
  decide(session: Client): Refusal | undefined {
    const refusal = this.refusalOf(session) ?? (this.#guarded() ? undefined : "refused-guard");
    const counts = refusal === undefined && this.#options.settings.maxPerIp > 0;
    if (counts) this.#count(this.#networks.of(session.clientAddress));
    return refusal;
  }

  /** Whether one more is let in whoever it is, which counts. */
  #guarded(): boolean {
    return this.#guard === undefined || this.#guard.take();
  }

  /** Why nobody of its address is let in now, be there room or not; counts for `ratePerIp`. */
  refusalOf(session: Client): Refusal | undefined {
    const { maxPerIp } = this.#options.settings;
    const counted = maxPerIp > 0 || this.#rate !== undefined;
    if (!counted && this.#rules.length === 0) return undefined;
    const ip = ipOf(session);
    if (ip === undefined) return undefined;
    if (!isAllowed(this.#rules, ip)) return "refused-address";
    if (!counted) return undefined;
    const network = this.#networks.of(session.clientAddress)!;
    if (maxPerIp > 0 && (this.#perIp.get(network) ?? 0) >= maxPerIp) return "refused-per-ip";
    return this.#rate && !this.#rate.take(network) ? "refused-rate" : undefined;
  }

  /** A session that was admitted has ended. */
  leave(session: Client): void {
    this.#sessionDescriptors.leave();
    if (this.#options.settings.maxPerIp === 0) return;
    const network = this.#networks.of(session.clientAddress);
    if (network === undefined) return;
    const number = this.#perIp.get(network)! - 1;
    if (number > 0) this.#perIp.set(network, number);
    else this.#perIp.delete(network);
  }
}

/** The IP address of a session's client, without the form that a dual-stack socket gives IPv4. */
function ipOf({ clientAddress }: Client): string | undefined {
  return clientAddress.transport === "unix" ? undefined : shortIp(clientAddress.hostname);
}
