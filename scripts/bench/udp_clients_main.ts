// The clients of udp_clients_bench.ts, as a process: `udp_clients_main.ts PORT PID CLIENTS ROUNDS`. It
// writes the phases to standard output as JSON.
import { cpuSeconds } from "./measure.ts";

/** How many ask at a time: what they send has room in a receive buffer of the kernel. */
const ASKING = 100;
/** Who has no answer after this asks again. */
const PATIENCE_MS = 1000;

/** What came of a number of requests. */
export interface Phase {
  readonly name: string;
  readonly seconds: number;
  /** What the balancer used of a processor meanwhile. */
  readonly cpuSeconds: number;
  readonly answered: number;
  /** Requests that were sent again, since no answer came. */
  readonly again: number;
  /** Answers to what was answered already, and was not asked again. */
  readonly twice: number;
}

/** A client with a port of its own. */
class Client {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #to: Deno.NetAddr;
  readonly #onAnswer: (client: Client) => void;
  readonly #request = new Uint8Array(64);
  /** The number of the latest request. */
  #number = 0;
  #answered = 0;
  #askedAt = 0;
  /** How often it has asked without need, as far as it knows. */
  #spare = 0;
  again = 0;
  twice = 0;

  constructor(port: number, onAnswer: (client: Client) => void) {
    this.#to = { transport: "udp", hostname: "127.0.0.1", port };
    this.#onAnswer = onAnswer;
    this.#run();
  }

  ask(): void {
    this.#number++;
    this.#send();
  }

  /** Asks again if it has waited for too long. */
  review(now: number): void {
    if (this.#answered === this.#number || now - this.#askedAt < PATIENCE_MS) return;
    this.again++;
    this.#spare++;
    this.#send();
  }

  #send(): void {
    this.#askedAt = performance.now();
    new DataView(this.#request.buffer).setUint32(0, this.#number);
    this.#socket.send(this.#request, this.#to).catch(() => {});
  }

  async #run(): Promise<void> {
    const buffer = new Uint8Array(this.#request.length);
    for (;;) {
      const [bytes] = await this.#socket.receive(buffer);
      const number = new DataView(bytes.buffer).getUint32(0);
      if (number === this.#number && this.#answered < number) {
        this.#answered = number;
        this.#onAnswer(this);
      } else if (this.#spare > 0) this.#spare--;
      else this.twice++;
    }
  }
}

const [port, pid, number, rounds] = Deno.args.map(Number) as [number, number, number, number];
/** Called for each answer. */
let onAnswer = (_client: Client) => {};
const clients = Array.from({ length: number }, () => {
  return new Client(port, (client) => onAnswer(client));
});
const phases = [
  await run("begins its session", 1),
  await run("of a session that is there", rounds),
];
console.log(JSON.stringify(phases));
Deno.exit(0);

/** Lets each client ask so many times: who is answered asks again after all others. */
async function run(name: string, times: number): Promise<Phase> {
  const total = clients.length * times;
  const sums = () => ({
    again: clients.reduce((sum, { again }) => sum + again, 0),
    twice: clients.reduce((sum, { twice }) => sum + twice, 0),
  });
  const before = { ...sums(), cpu: cpuSeconds(pid), time: performance.now() };
  const all = Promise.withResolvers<void>();
  const turns = [...clients];
  let [asked, answered] = [0, 0];
  const next = () => turns[asked++]?.ask();
  onAnswer = (client) => {
    if (turns.length < total) turns.push(client);
    if (++answered === total) all.resolve();
    next();
  };
  const timer = setInterval(() => {
    const now = performance.now();
    for (const client of clients) client.review(now);
  }, PATIENCE_MS / 4);
  for (let i = 0; i < ASKING; i++) next();
  await all.promise;
  clearInterval(timer);
  const { again, twice } = sums();
  return {
    name,
    seconds: (performance.now() - before.time) / 1000,
    cpuSeconds: cpuSeconds(pid) - before.cpu,
    answered,
    again: again - before.again,
    twice: twice - before.twice,
  };
}
