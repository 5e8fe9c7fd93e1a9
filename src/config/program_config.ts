import { type Address, AddressError, parseAddress } from "../net/address.ts";
import { collides, isLocal } from "../net/address_relations.ts";
import { readToken, TokenFileError } from "./token_file.ts";
import {
  checkListener,
  commandLineReporter,
  type Config,
  nameOf,
  type ProgramConfig,
  type Reporter,
} from "./config.ts";
import { checkDaemon } from "./daemon_rules.ts";
import { ConfigProblems, fileReporter } from "./problems.ts";
import {
  type ListenerSource,
  optionTexts,
  type ProgramSource,
  textsOf,
  type Written,
} from "./source.ts";
import { keyOf, readSettings, type Settings } from "./options.ts";
import { quote } from "../base/text.ts";
import type { Chunks } from "../async/chunks.ts";
import { checkListenerPlatform, checkPlatform } from "./platform_rules.ts";
import { checkThreads } from "./thread_shares.ts";
import { checkTls, tlsWarnings } from "./tls_rules.ts";
import { checkUdp, withoutForeign } from "./udp_rules.ts";
import { programWarnings } from "./program_warnings.ts";
import { helloWarnings } from "./hello_warnings.ts";
import { tlsOutWarnings } from "./tls_out_warnings.ts";
import { withoutEffect } from "./without_effect.ts";

/** Most networks of `allow` and `deny` of all listeners together, those of the top level in each. */
const MAX_NETWORKS = 100_000;

/**
 * The configuration of the program, in small parts.
 *
 * @param problems What is known to be wrong already, if there is a configuration file.
 * @throws {UsageError} With every problem if there is a configuration file, otherwise with one.
 */
export function* readProgram(
  source: ProgramSource,
  problems: ConfigProblems = new ConfigProblems(),
): Chunks<ProgramConfig> {
  checkNetworks(source, problems);
  const options = optionTexts(source.options);
  const settings = readSettings(options);
  const listeners: (Config | undefined)[] = [];
  for (const listener of source.listeners) {
    listeners.push(yield* readSource(withoutForeign(listener, source), problems));
  }
  checkAdmin(settings, { source, problems });
  checkPlatform(settings, { source, problems });
  checkDaemon(settings, { listeners, source, problems });
  checkNames(listeners, { source, problems });
  yield* checkCollisions(settings, { source, problems });
  problems.throwIfAny();
  const read = { settings, listeners: listeners as Config[] };
  const warnings = WARNINGS.flatMap((of) => of(read, source));
  return { ...read, warnings, written: { file: source.file, options } };
}

/** Whatever is allowed and worth a warning. */
const WARNINGS = [withoutEffect, programWarnings, tlsWarnings, tlsOutWarnings, helloWarnings];

/**
 * What stands once at the top level is read, and kept, for each listener: a short file could ask for
 * more than there is time and memory for.
 *
 * @throws {UsageError} If it is too much.
 */
function checkNetworks({ listeners }: ProgramSource, problems: ConfigProblems): void {
  const counted = new Map<ListenerSource["rules"], number>();
  let number = 0;
  for (const { rules } of listeners) {
    const networks = counted.get(rules) ??
      rules.reduce((sum, { text }) => sum + text.split(",").length, 0);
    counted.set(rules, networks);
    number += networks;
  }
  // One listener alone can have no more than fit into a file.
  if (number <= MAX_NETWORKS || listeners.length === 1) return;
  problems.add(
    undefined,
    `allow and deny: have ${number} networks in all ${listeners.length} listeners together, ` +
      `those of the top level in each; must be at most ${MAX_NETWORKS}`,
  );
  problems.throwIfAny();
}

function* readSource(
  source: ListenerSource,
  problems: ConfigProblems,
): Chunks<Config | undefined> {
  const texts = textsOf(source);
  const reporter = problems.file === undefined
    ? commandLineReporter(texts)
    : fileReporter(source, problems);
  const config = yield* checkListener(texts, reporter);
  if (config) {
    checkThreads(config, reporter);
    checkListenerPlatform(config, reporter);
    checkMaxWait(config, reporter);
    checkUdp(config, reporter);
    checkTls(config, reporter);
  }
  return config;
}

/** Who waits in the kernel's backlog cannot be turned away. */
function checkMaxWait({ maxWait, overflow }: Settings, { report, mention }: Reporter): void {
  if (maxWait === 0 || overflow === "reject") return;
  report(
    { option: "maxWait" },
    `must be 0 unless ${mention({ option: "overflow" })} is reject: further clients wait in the ` +
      "kernel's backlog, where nobody is turned away",
  );
}

/** What the admin address gives away needs a secret if others can ask for it. */
function checkAdmin(
  { admin, adminTokenFile, adminReadTokenFile }: Settings,
  { source, problems }: { source: ProgramSource; problems: ConfigProblems },
): void {
  const token = checkToken("adminTokenFile", { file: adminTokenFile, source, problems });
  const place = { file: adminReadTokenFile, source, problems };
  const reader = checkToken("adminReadTokenFile", place);
  if (token !== undefined && token === reader) {
    problems.addOption("adminReadTokenFile", {
      written: source.options.adminReadTokenFile!,
      problem: "has the token that may everything; must be another one",
    });
  }
  const written = source.options.admin;
  if (!written || !admin || isLocal(admin)) return;
  if (adminTokenFile !== "" || adminReadTokenFile !== "") return;
  const tokenFile = written.line === undefined ? "--admin-token-file" : keyOf("adminTokenFile");
  problems.addOption("admin", {
    written,
    problem: "is not only for this machine; must be PORT, 127.0.0.1:PORT, [::1]:PORT or " +
      `unix:/path, unless ${tokenFile} is given`,
  });
}

/** The token in the file of such an option, if there is a usable one. */
function checkToken(
  option: "adminTokenFile" | "adminReadTokenFile",
  options: { file: string; source: ProgramSource; problems: ConfigProblems },
): string | undefined {
  const { file, source, problems } = options;
  const written = source.options[option];
  if (file === "" || !written) return undefined;
  try {
    return readToken(file);
  } catch (error) {
    if (!(error instanceof TokenFileError)) throw error;
    problems.addOption(option, { written, problem: error.problem });
  }
}

/** No two listeners are called the same. */
function checkNames(
  listeners: readonly (Config | undefined)[],
  { source, problems }: { source: ProgramSource; problems: ConfigProblems },
): void {
  const indexes = new Map<string, number>();
  for (const [index, config] of listeners.entries()) {
    if (!config) continue;
    const name = nameOf(config);
    const other = indexes.get(name);
    if (other === undefined) indexes.set(name, index);
    else {
      // Addresses that are the same are told of elsewhere.
      const [named, like] = config.name ? [index, other] : [other, index];
      const written = source.listeners[named]!.options.name;
      if (!written) continue;
      const { text, line } = source.listeners[like]!.listen!;
      problems.addOption("name", {
        written,
        problem: `is what the listener ${quote(text)} in line ${line} is called; must be another`,
      });
    }
  }
}

/** No two listeners, nor the admin address, can be at the same address. */
function* checkCollisions(
  { admin }: Settings,
  { source, problems }: { source: ProgramSource; problems: ConfigProblems },
): Chunks<void> {
  const bound: { address: Address; written: Written }[] = [];
  for (const { listen } of source.listeners) {
    yield;
    const address = listen && addressOf(listen);
    if (!address) continue;
    const earlier = bound.find((other) => collides(other.address, address));
    if (earlier) {
      problems.add(
        listen.line,
        `listen ${quote(listen.text)}: collides with ${quote(earlier.written.text)} in line ` +
          `${earlier.written.line}; must be another port or host`,
      );
    }
    bound.push({ address, written: listen });
  }
  const taken = admin && bound.find(({ address }) => collides(address, admin));
  if (!taken) return;
  const place = taken.written.line === undefined ? "" : ` in line ${taken.written.line}`;
  problems.addOption("admin", {
    written: source.options.admin!,
    problem: `collides with the listener ${
      quote(taken.written.text)
    }${place}; must be another port`,
  });
}

/** A listen address; `undefined` if it is malformed, which is reported elsewhere. */
function addressOf({ text }: Written): Address | undefined {
  try {
    return parseAddress(text, { minPort: 0, udp: true });
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
  }
}
