import { quote } from "../base/text.ts";
import type { Config, ProgramConfig } from "./config.ts";
import { asksForHello } from "./hello_terms.ts";
import { flagOf, keyOf } from "./options.ts";
import type { ListenerSource, ProgramSource } from "./source.ts";
import { speaksTls } from "./tls_rules.ts";
import { warningLines } from "./warning_lines.ts";

/** What is allowed about names and protocols in the hello, and most likely not meant, a line each. */
export function helloWarnings(
  { listeners }: Pick<ProgramConfig, "listeners">,
  source: ProgramSource,
): string[] {
  function* all(): Iterable<string> {
    for (const [i, listener] of listeners.entries()) {
      yield* warningsOf(listener, { written: source.listeners[i], file: source.file });
    }
  }
  return warningLines(all(), "further names are not told about");
}

function* warningsOf(
  listener: Config,
  { written, file }: { written: ListenerSource | undefined; file: string | undefined },
): Iterable<string> {
  const place = (line: number | undefined) => line === undefined ? "" : `${file}:${line}: `;
  for (const slip of slipsIn(listener.tlsAlpn)) {
    const line = written?.options.tlsAlpn?.line;
    yield `${place(line)}${line === undefined ? flagOf("tlsAlpn") : keyOf("tlsAlpn")} has ${slip}`;
  }
  for (const [index, one] of listener.configured.entries()) {
    const { text, line } = written?.destinations[index] ?? { text: one.name };
    const what = `${line === undefined ? "DESTINATION" : `${place(line)}destinations`} ${
      quote(text)
    }`;
    for (const slip of slipsIn(one.alpn)) yield `${what} has alpn with ${slip}`;
    if (!one.tls || !asksForHello(one) || speaksTls(listener)) continue;
    yield `${what} has tls, and its listener no tls-cert: the TLS of clients goes on as it is, and ` +
      "stands within another one";
  }
}

/** Protocols of HTTP as people call them, and no client does. */
function* slipsIn(protocols: readonly string[]): Iterable<string> {
  for (const protocol of protocols) {
    const [, version] = /^h(?:ttp\/?)?(1(?:\.1)?|2(?:\.0)?c?)$/i.exec(protocol) ?? [];
    const meant = version === undefined ? protocol : version[0] === "1" ? "http/1.1" : "h2";
    if (meant !== protocol) {
      yield `${quote(protocol)}, which no client offers; most likely ${meant}`;
    }
  }
}
