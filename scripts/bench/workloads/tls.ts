import { type Contender, measured, type Running } from "../contenders.ts";
import { BIG_BYTES, BIG_PATH, type Certificate } from "../destinations.ts";
import type { ClosedLoop } from "../load.ts";
import type { Bench, Sample, Variant, Workload } from "../workload.ts";

const GIB = 2 ** 30;

/** What a case asks for, and how much that is in the unit that it is told in. */
interface Work {
  readonly label: string;
  /** Whether it is TLS with clients or with servers. */
  readonly with: "clients" | "servers";
  readonly loop: Omit<ClosedLoop, "seconds">;
  /** Units of one request. */
  readonly units: number;
}

const WORKS: readonly Work[] = [
  {
    label: "handshakes of TLS 1.3 with clients, thousands",
    with: "clients",
    loop: { clients: 50, close: true },
    units: 1 / 1000,
  },
  {
    label: "GiB to clients of TLS 1.3",
    with: "clients",
    loop: { clients: 8, close: false, path: BIG_PATH },
    units: BIG_BYTES / GIB,
  },
  {
    label: "handshakes of TLS 1.3 with servers, thousands",
    with: "servers",
    loop: { clients: 50, close: true },
    units: 1 / 1000,
  },
  {
    label: "GiB from servers of TLS 1.3",
    with: "servers",
    loop: { clients: 8, close: false, path: BIG_PATH },
    units: BIG_BYTES / GIB,
  },
];

/** TLS with clients or with servers, and without it at the other end: full handshakes, and bytes. */
export const tls: Workload = {
  name: "tls",
  title: "TLS with clients and with servers",
  metrics: [
    { key: "rate", title: "a second", digits: 2 },
    { key: "cpu", title: "CPU s each", digits: 3 },
    { key: "peak", title: "peak RSS MiB", digits: 0 },
  ],
  plotted: "cpu",
  async *cases(bench) {
    const certificate = await makeCertificate(bench);
    const others = bench.contenders.filter(({ isBalancer }) => isBalancer);
    for (const work of WORKS) {
      const isIn = work.with === "clients";
      const plain = await bench.destinations.http();
      const secure = isIn ? plain : await bench.destinations.http(1, { tls: certificate });
      const variants: Variant[] = [];
      const add = async (name: string, contender: Contender, over: boolean) => {
        const tls = over ? { [isIn ? "tls" : "tlsOut"]: certificate } : {};
        const destinations = over ? secure : plain;
        const running = await contender.start({ destinations, ...tls });
        const loop = { ...work.loop, tls: over && isIn, seconds: bench.seconds };
        if (!bench.quick) await bench.load.closedLoop(running.port, { ...loop, seconds: 1 });
        variants.push({ name, measure: () => measure(bench, running, { loop, work }) });
      };
      for (const contender of others) await add(contender.name, contender, true);
      for (const contender of others.filter(({ isOurs }) => isOurs)) {
        await add(`${contender.name} without TLS`, contender, false);
      }
      yield { label: work.label, variants };
    }
  },
};

async function measure(
  { load }: Bench,
  running: Running,
  { loop, work }: { loop: ClosedLoop; work: Work },
): Promise<Sample> {
  const { result, cpu, peak } = await measured(running, () => load.closedLoop(running.port, loop));
  const units = result.requests * work.units;
  return { rate: units / result.seconds, cpu: cpu / units, peak, errors: result.errors };
}

/** A certificate of its own, as most have: with a key on the curve P-256. */
async function makeCertificate({ processes }: Bench): Promise<Certificate> {
  const [cert, key, both] = ["cert.pem", "key.pem", "both.pem"]
    .map((name) => processes.file(name, "")) as [string, string, string];
  await processes.run("openssl", [
    ...["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"],
    ...["-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", cert],
    ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
    ...["-addext", "basicConstraints=critical,CA:FALSE"],
  ], 10_000);
  Deno.writeTextFileSync(both, Deno.readTextFileSync(cert) + Deno.readTextFileSync(key));
  return { cert, key, both };
}
