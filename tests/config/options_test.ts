import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../src/base/errors.ts";
import type { Option } from "../../src/config/option.ts";
import {
  flagOf,
  type OptionName,
  optionNames,
  OPTIONS,
  readSettings,
} from "../../src/config/options.ts";

Deno.test("the defaults are the documented ones", () => {
  assertEquals(readSettings({}), {
    name: "",
    workers: 256,
    workersMax: 256,
    threads: 1,
    balance: "fifo",
    hashMask: { v4: 32, v6: 128 },
    hashWait: 1000,
    queue: 1024,
    maxConnections: 0,
    whenOverloaded: "hold",
    shedTarget: 0,
    shedInterval: 0,
    overflow: "wait",
    maxWait: 0,
    rejectWith: { path: "", bytes: new Uint8Array() },
    maxPerIp: 0,
    ratePerIp: 0,
    perIpMask: { v4: 32, v6: 64 },
    rateGuard: null,
    allow: [],
    deny: [],
    queueOrder: "fifo",
    fairBy: "address",
    fairMask: { v4: 32, v6: 64 },
    priority: [],
    acceptProxy: [],
    acceptProxyTimeout: 3000,
    greetingTimeout: 10_000,
    tlsCert: { path: "", bytes: new Uint8Array() },
    tlsKey: { path: "", bytes: new Uint8Array() },
    certificates: [],
    tlsMin: "1.2",
    tlsAlpn: [],
    tlsClientCa: { path: "", bytes: new Uint8Array() },
    tlsHandshakes: 1024,
    keepalive: "on",
    halfClose: "keep",
    queueTimeout: 30_000,
    connectTimeout: 5000,
    idleTimeout: 600_000,
    halfCloseTimeout: 60_000,
    answerTimeout: 0,
    sessionTimeout: 0,
    udpIdle: 30_000,
    udpAnswers: 0,
    udpRequestTimeout: 5000,
    udpBuffer: { datagrams: 16, bytes: 262_144, total: 16_777_216 },
    udpReplyPort: "same",
    drainTimeout: 30_000,
    execGrace: 5000,
    retries: 3,
    redispatch: "held",
    check: null,
    checkInterval: 2000,
    checkTimeout: 2000,
    fall: 0,
    rise: 0,
    slowStart: 0,
    sendProxy: "off",
    agentCheck: null,
    resolver: "system",
    resolveInterval: 10_000,
    resolveEmpty: "keep",
    backlog: 511,
    socketMode: null,
    socketOwner: null,
    batchSize: 0,
    batchDelay: 0,
    logLevel: "info",
    logFormat: "text",
    log: { kind: "stderr" },
    syslogFacility: "daemon",
    syslogIdent: "iawlb",
    accessLog: "on",
    admin: null,
    adminTokenFile: "",
    adminReadTokenFile: "",
    drainDelay: 0,
    accessLogFormat: "auto",
    daemon: false,
    pidFile: "",
    replace: false,
    user: null,
    group: null,
    umask: null,
  });
});

Deno.test("every default can be written and read back", () => {
  for (const name of optionNames()) {
    const option: Option<unknown> = OPTIONS[name];
    if (name === "allow" || name === "deny") continue;
    assertEquals(option.parse(option.format(option.default)), option.default, name);
  }
});

Deno.test("a value that is not allowed is named with its flag and what is", () => {
  const bad: [OptionName, string, string][] = [
    ["workers", "0", '--workers "0": must be a whole number from 1 to 1000000, or auto'],
    ["workers", "1.5", '--workers "1.5"'],
    ["workers", "1e3", '--workers "1e3"'],
    ["queue", "1000001", '--queue "1000001"'],
    ["queueTimeout", "30", '--queue-timeout "30": must be a number with a unit'],
    ["batchDelay", "2s", '--batch-delay "2s"'],
    ["drainTimeout", "366d", '--drain-timeout "366d"'],
    ["logLevel", "INFO", '--log-level "INFO": must be one of debug, info, warning, error'],
    ["accessLog", "", '--access-log ""'],
    ["resolver", "", '--resolver "": must be system, or at most 8 different name servers'],
    ["resolver", "ns.example", '--resolver "ns.example"'],
    ["resolver", "10.0.0.1:0", '--resolver "10.0.0.1:0"'],
    ["resolver", "10.0.0.1,10.0.0.1:53", '--resolver "10.0.0.1,10.0.0.1:53"'],
    ["resolver", "[10.0.0.1]:53", '--resolver "[10.0.0.1]:53"'],
    ["resolver", "system,10.0.0.1", '--resolver "system,10.0.0.1"'],
  ];
  for (const [name, text, message] of bad) {
    assertThrows(() => readSettings({ [name]: text }), UsageError, message);
  }
});

Deno.test("a flag is the option's name with dashes", () => {
  assertEquals(flagOf("halfCloseTimeout"), "--half-close-timeout");
});
