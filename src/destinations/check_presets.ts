import type { CheckPreset } from "../config/values/check_preset.ts";
import { CheckError, type Conversation, latin1 } from "./conversation.ts";

/**
 * Checks a server that was just connected.
 *
 * @throws {CheckError} If it did not pass.
 */
export async function runPreset(preset: CheckPreset, server: Conversation): Promise<void> {
  switch (preset.kind) {
    case "redis":
      return await checkRedis(server);
    case "postgres":
      return await checkPostgres(server, preset.user);
    case "mysql":
      return await checkMysql(server, preset.user);
    case "smtp":
      return await checkSmtp(server);
  }
}

/**
 * One that wants a password, or lets that user do little, is alive, and so is one that is full. One
 * that loads its data, cannot save it (`MISCONF`), has lost its master, runs a script without an end
 * or lets nobody in from here (`DENIED`) would give the same answer to every session.
 */
const REDIS_ALIVE = /^(\+PONG$|-NOAUTH |-NOPERM |-WRONGPASS |-ERR max number of clients)/;

async function checkRedis(server: Conversation): Promise<void> {
  await server.send("*1\r\n$4\r\nPING\r\n");
  const answer = await server.line();
  if (!REDIS_ALIVE.test(answer)) throw unexpected(answer);
}

/** Protocol version 3.0, and the code that asks whether GSSAPI encryption is to be had. */
const POSTGRES_VERSION = 0x0003_0000;
const GSSENC_REQUEST = 80_877_104;

/**
 * Errors that say "not now" to everybody: it starts, stops or recovers (57P03), or was told to stop
 * (57P01, 57P02). All others are about the user, its rights, or a limit that is reached (53300).
 */
const POSTGRES_NOT_NOW = ["57P01", "57P02", "57P03"];

/**
 * Without a user it asks for encryption by GSSAPI, which every server since PostgreSQL 12 answers
 * with a letter, and goes: of that the server says nothing in its log, whereas it complains of one who
 * asks for TLS and goes (`ssl = on`), or of a user that is not there. But a server that is starting
 * answers, too; only the start of a session, which takes a user, tells that.
 */
async function checkPostgres(server: Conversation, user: string | undefined): Promise<void> {
  if (user === undefined) await server.send(postgresMessage(GSSENC_REQUEST, ""));
  else {
    const parameters = `user\0${user}\0database\0postgres\0application_name\0iawlb\0\0`;
    await server.send(postgresMessage(POSTGRES_VERSION, parameters));
  }
  const type = latin1(await server.bytes(1));
  if (user === undefined && (type === "G" || type === "N")) return;
  if (type !== "E" && !(type === "R" && user !== undefined)) throw unexpected(type);
  const body = await server.bytes(await postgresLength(server));
  if (type === "E") {
    const fields = latin1(body).split("\0");
    const code = fields.find((field) => field.startsWith("C"))?.slice(1);
    const message = fields.find((field) => field.startsWith("M"))?.slice(1) ?? "an error";
    if (code === undefined || POSTGRES_NOT_NOW.includes(code)) throw unexpected(message);
  } else if (new DataView(body.buffer, body.byteOffset).getInt32(0) === 0) {
    // It has let the user in: a session ends with Terminate.
    await server.send(new Uint8Array([0x58, 0, 0, 0, 4]));
  }
}

function postgresMessage(code: number, text: string): Uint8Array {
  const body = new TextEncoder().encode(text);
  const message = new Uint8Array(8 + body.length);
  const view = new DataView(message.buffer);
  view.setInt32(0, message.length);
  view.setInt32(4, code);
  message.set(body, 8);
  return message;
}

async function postgresLength(server: Conversation): Promise<number> {
  const bytes = await server.bytes(4);
  const length = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0) - 4;
  if (length < 4 || length > 8192) throw unexpected(latin1(bytes));
  return length;
}

/** LONG_PASSWORD, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION and PLUGIN_AUTH. */
const MYSQL_CAPABILITIES = 0x0008_a201;

/** It is full, for everybody or for this user: too many connections. */
const MYSQL_FULL = [1040, 1203, 1226];

/** Answers that a server may ask for before it has decided. */
const MOST_MYSQL_TURNS = 3;

/**
 * The user logs in with an empty password and says good-bye: whoever goes before that is counted by
 * `max_connect_errors`, and everybody who comes through here is shut out in the end.
 */
async function checkMysql(server: Conversation, user: string): Promise<void> {
  let packet = await mysqlPacket(server);
  if (mysqlError(packet.body, user)) return;
  if (packet.body[0] !== 10) throw unexpected(latin1(packet.body));
  await server.send(mysqlLogin(user, packet.sequence + 1));
  for (let turn = 0; turn < MOST_MYSQL_TURNS; turn++) {
    packet = await mysqlPacket(server);
    if (mysqlError(packet.body, user)) return;
    if (packet.body[0] === 0) return await server.send(new Uint8Array([1, 0, 0, 0, 1]));
    if (packet.body[0] !== 0xfe) break;
    // It asks for another way to log in, in which an empty password is empty as well.
    await server.send(new Uint8Array([0, 0, 0, packet.sequence + 1]));
  }
  throw unexpected(latin1(packet.body));
}

async function mysqlPacket(server: Conversation): Promise<{ sequence: number; body: Uint8Array }> {
  const [low = 0, middle = 0, high = 0, sequence = 0] = await server.bytes(4);
  const length = low + 256 * middle + 65536 * high;
  if (length === 0 || length > 8192) throw new CheckError("its check got no MySQL packet");
  return { sequence, body: await server.bytes(length) };
}

/** Whether a packet says that the server is full; throws if it says that anything is wrong. */
function mysqlError(body: Uint8Array, user: string): boolean {
  if (body[0] !== 0xff) return false;
  const code = (body[1] ?? 0) + 256 * (body[2] ?? 0);
  if (MYSQL_FULL.includes(code)) return true;
  const text = latin1(body.subarray(3)).replace(/^#...../, "");
  const hint = code === 1045 || code === 1698
    ? `; the check needs a user without a password and rights: CREATE USER '${user}'`
    : "";
  throw unexpected(text, hint);
}

function mysqlLogin(user: string, sequence: number): Uint8Array {
  const tail = new TextEncoder().encode(`${user}\0\0mysql_native_password\0`);
  const packet = new Uint8Array(4 + 32 + tail.length);
  const view = new DataView(packet.buffer);
  packet[0] = 32 + tail.length;
  packet[3] = sequence;
  view.setUint32(4, MYSQL_CAPABILITIES, true);
  view.setUint32(8, 1 << 24, true);
  // The character set: utf8.
  packet[12] = 33;
  packet.set(tail, 36);
  return packet;
}

/** Says EHLO, or HELO where that is not known, and good-bye, as every client does. */
async function checkSmtp(server: Conversation): Promise<void> {
  await smtpReply(server, ["220"]);
  await server.send("EHLO localhost\r\n");
  const code = await smtpReply(server, ["250", "500", "501", "502", "504", "550"]);
  if (code !== "250") {
    await server.send("HELO localhost\r\n");
    await smtpReply(server, ["250"]);
  }
  await server.send("QUIT\r\n");
  // Whoever goes before the answer may be logged as lost.
  await smtpReply(server, ["221"]);
}

/** The code of a reply, of however many lines, that has to be one of these. */
async function smtpReply(server: Conversation, wanted: readonly string[]): Promise<string> {
  for (;;) {
    const line = await server.line();
    const [, code, more] = /^(\d{3})([ -]|$)/.exec(line) ?? [];
    if (code === undefined || !wanted.includes(code)) throw unexpected(line);
    if (more !== "-") return code;
  }
}

/** Most characters of an answer that an error shows. */
const SHOWN = 100;

function unexpected(answer: string, hint = ""): CheckError {
  return new CheckError(`its check got ${JSON.stringify(answer.slice(0, SHOWN))}${hint}`);
}
