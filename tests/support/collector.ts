import { until } from "./servers.ts";

/** A value of a metric as OTLP/HTTP has it in JSON; whole numbers may be texts. */
interface OtlpPoint {
  attributes?: { key: string; value: { stringValue?: string } }[];
  asDouble?: number;
  asInt?: number | string;
  count?: number | string;
  sum?: number;
  bucketCounts?: (number | string)[];
  explicitBounds?: number[];
}

/** A metric as OTLP/HTTP has it in JSON. */
interface OtlpMetric {
  name: string;
  unit?: string;
  sum?: { dataPoints: OtlpPoint[]; isMonotonic: boolean };
  gauge?: { dataPoints: OtlpPoint[] };
  histogram?: { dataPoints: OtlpPoint[] };
}

/** A value of a metric. */
export interface Sample {
  kind: "counter" | "gauge" | "histogram";
  unit: string;
  attributes: Record<string, string>;
  /** The number of values of a histogram. */
  value: number;
  sum: number;
  bounds: number[];
}

/** A collector of OpenTelemetry: keeps the latest value of everything that `iawlb` exports. */
export class Collector implements AsyncDisposable {
  /** Rounds so far. */
  rounds = 0;
  readonly #samples = new Map<string, Sample[]>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor() {
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(options, async (request) => {
      const body = await request.json();
      if (new URL(request.url).pathname === "/v1/metrics") this.#take(body);
      return Response.json({});
    });
  }

  /** The environment of a process that exports to it once a second. */
  get env(): Record<string, string> {
    return {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      // Deno 2.9 hangs for ever if it has to exit in the middle of a round: so these are rare.
      OTEL_METRIC_EXPORT_INTERVAL: "1000",
    };
  }

  get names(): string[] {
    return [...this.#samples.keys()].sort();
  }

  /** The latest values of a metric. */
  samples(name: string): Sample[] {
    return this.#samples.get(name) ?? [];
  }

  /** The value with these attributes and no others. */
  value(name: string, attributes: Record<string, string> = {}): number | undefined {
    return this.samples(name).find((one) => same(one.attributes, attributes))?.value;
  }

  /** Waits until a metric has a value. */
  async has(name: string, value: number, attributes: Record<string, string> = {}): Promise<void> {
    await until(
      () => this.value(name, attributes) === value,
      `${name} ${JSON.stringify(attributes)} is ${value}`,
    );
  }

  #take(body: { resourceMetrics?: { scopeMetrics: Scope[] }[] }): void {
    const scopes = body.resourceMetrics?.flatMap(({ scopeMetrics }) => scopeMetrics) ?? [];
    for (const { scope, metrics } of scopes) {
      if (scope.name !== "iawlb") continue;
      this.rounds++;
      for (const metric of metrics) this.#samples.set(metric.name, samplesOf(metric));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

interface Scope {
  scope: { name: string };
  metrics: OtlpMetric[];
}

function samplesOf({ unit = "", sum, gauge, histogram }: OtlpMetric): Sample[] {
  const kind = histogram ? "histogram" : sum?.isMonotonic ? "counter" : "gauge";
  const points = (histogram ?? sum ?? gauge)!.dataPoints;
  return points.map((point) => ({
    kind,
    unit,
    attributes: Object.fromEntries(
      (point.attributes ?? []).map(({ key, value }) => [key, value.stringValue ?? ""]),
    ),
    value: Number(point.asDouble ?? point.asInt ?? point.count),
    sum: point.sum ?? 0,
    bounds: point.explicitBounds ?? [],
  }));
}

function same(a: Record<string, string>, b: Record<string, string>): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}
