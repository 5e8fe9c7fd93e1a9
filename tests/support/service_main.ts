// A program that does what it is told on standard input with a service manager, and answers each
// line on standard output when that is done.
import { openServiceManager } from "../../src/program/systemd.ts";

const [beat] = Deno.args;
let silent = false;
let alive = true;
const manager = openServiceManager(Deno.env, {
  ...(beat && { beat: Number(beat) }),
  describe: () => silent ? new Promise<string>(() => {}) : "all\nis well",
  isAlive: () => alive,
  onError: (message) => console.log(`error: ${message}`),
});
console.log(manager ? "open" : "none");

const input = Deno.stdin.readable.pipeThrough(new TextDecoderStream() as never);
for await (const text of input as ReadableStream<string>) {
  for (const line of text.trimEnd().split("\n")) await obey(line);
}

async function obey(line: string): Promise<void> {
  const [word, argument = ""] = line.split(/ (.*)/s);
  switch (word) {
    case "ready":
      manager?.ready();
      break;
    case "reloading":
      manager?.reloading();
      break;
    case "stopping":
      manager?.stopping();
      break;
    case "status":
      manager?.status(argument);
      break;
    case "silent":
      silent = true;
      break;
    case "dead":
      alive = false;
      break;
    case "block": {
      const end = performance.now() + Number(argument);
      while (performance.now() < end);
      break;
    }
    case "close":
      await manager?.close();
  }
  console.log(`did ${word}`);
}
