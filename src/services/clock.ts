import { writeAll } from "../net/write_all.ts";
import type { Stream } from "../net/stream.ts";
import { DatagramStream } from "./datagram_stream.ts";
import { converse, type Service, type ServiceContext } from "./service.ts";

/** From the beginning of 1900 to that of 1970, in seconds (RFC 868). */
const SECONDS_TO_1970 = 2_208_988_800;

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July", "August", "September"],
  ...["October", "November", "December"],
];

/** Tells the day and the time as text, whatever it gets (RFC 867). */
export function daytime(context: Pick<ServiceContext, "log">): Service {
  return tell(() => new TextEncoder().encode(daytimeText(new Date())), context);
}

/** Tells the seconds since 1900 in four bytes, whatever it gets (RFC 868). */
export function time(context: Pick<ServiceContext, "log">): Service {
  return tell(() => timeBytes(Date.now()), context);
}

/** `Weekday, Month Day, Year Time-Zone`, as RFC 867 has it, with the end of the line. */
export function daytimeText(now: Date): string {
  const [day, month] = [DAYS[now.getUTCDay()], MONTHS[now.getUTCMonth()]];
  const clock = now.toISOString().slice(11, 19);
  return `${day}, ${month} ${now.getUTCDate()}, ${now.getUTCFullYear()} ${clock}-UTC\r\n`;
}

/** The time in four bytes, the highest first; in 2036 it begins at 0 again. */
export function timeBytes(ms: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, (Math.floor(ms / 1000) + SECONDS_TO_1970) % 2 ** 32);
  return bytes;
}

/** Says one thing, then the end; what the client says is thrown away. */
function tell(what: () => Uint8Array, context: Pick<ServiceContext, "log">): Service {
  return {
    exchange: (client) => new DatagramStream(client, what),
    connect: () =>
      converse(async (stream) => {
        const ignoring = ignore(stream);
        await writeAll(stream, what());
        await stream.closeWrite();
        await ignoring;
      }, context),
  };
}

async function ignore(stream: Stream): Promise<void> {
  const buffer = new Uint8Array(512);
  while (await stream.read(buffer) > 0);
}
