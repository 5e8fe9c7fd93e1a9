import { messageOf } from "../../src/base/errors.ts";
import type { Contender } from "./contenders.ts";
import type { Destinations } from "./destinations.ts";
import type { Load } from "./load.ts";
import type { Processes } from "./processes.ts";
import { median, medianRatio, spread } from "./statistics.ts";

/** What every workload works with. */
export interface Bench {
  readonly contenders: readonly Contender[];
  /** The bare loop, in each runtime that iawlb runs in here. */
  readonly bareLoops: readonly Contender[];
  readonly processes: Processes;
  readonly destinations: Destinations;
  readonly load: Load;
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Whether to make do with little, to see that everything works. */
  readonly quick: boolean;
  /** Measures only cases whose labels this matches. */
  readonly part?: RegExp | undefined;
}

/** One number of a measurement. */
export interface Metric {
  readonly key: string;
  /** What it is, with its unit. */
  readonly title: string;
  readonly digits: number;
  /** Shown without a ratio. */
  readonly plain?: boolean;
}

/**
 * What one measurement came to: its metrics by key, how many requests failed (`errors`), and whether
 * the load was not what it should have been (`disturbed`, 1 if so).
 */
export type Sample = Readonly<Record<string, number>>;

/** One of the things that a case compares. */
export interface Variant {
  readonly name: string;
  /** Never measured while others are. */
  readonly apart?: boolean;
  /** Targets: how many times that of the baseline a metric may be, by its key; more is a failure. */
  readonly most?: Readonly<Record<string, number>>;
  measure(round: number): Promise<Sample>;
}

/** Variants that are measured in turns. */
export interface Case {
  readonly label: string;
  readonly variants: readonly Variant[];
  /** How many of them are measured at a time; 1 unless given. */
  readonly together?: number;
  /** The variant that all are divided by, or, if it is none of them, iawlb divided by each. */
  readonly baseline?: string;
}

/** One kind of work. */
export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly metrics: readonly Metric[];
  /** The metric that is plotted. */
  readonly plotted: string;
  /** Whether the variants' names begin with numbers to draw a line over. */
  readonly line?: boolean;
  /** What follows from all of them, as Markdown. */
  remarks?(cases: readonly CaseResult[]): string;
  /** Pictures beside that of all workloads, by file name. */
  pictures?(cases: readonly CaseResult[]): Readonly<Record<string, string>>;
  /** Starts what each case needs and yields it; everything is stopped after it. */
  cases(bench: Bench): AsyncGenerator<Case>;
}

/** The samples of one variant over all rounds, and what follows from them. */
export interface VariantResult {
  readonly name: string;
  /** By round; absent where the measurement failed. */
  readonly samples: (Sample | undefined)[];
  /** Failed requests of all rounds. */
  readonly errors: number;
  /** Rounds in which the load was not what it should have been. */
  readonly disturbed: number;
  readonly problems: string[];
  readonly metrics: Readonly<Record<string, Summary>>;
}

/** A metric over all rounds; the ratio is that to or of the baseline, see {@linkcode Case}. */
export interface Summary {
  readonly median: number;
  readonly spread: number;
  readonly ratio: number;
}

export interface CaseResult {
  readonly label: string;
  readonly baseline: string | undefined;
  /** What the ratios are, if there are any. */
  readonly ratio: string | undefined;
  readonly variants: VariantResult[];
}

export interface WorkloadResult {
  readonly workload: Omit<Workload, "cases">;
  readonly cases: CaseResult[];
}

/** Measures all cases of a workload, each in rounds over its variants: A B C A B C. */
export async function runWorkload(
  workload: Workload,
  bench: Bench,
  { progress, onCase }: {
    progress: (text: string) => void;
    /** Called after each case with all that there are so far. */
    onCase?: (soFar: WorkloadResult) => Promise<void>;
  },
): Promise<WorkloadResult> {
  const { cases: begin, ...about } = workload;
  const cases: CaseResult[] = [];
  try {
    for await (const each of begin(bench)) {
      if (bench.part && !bench.part.test(each.label)) continue;
      const samples = each.variants.map((): (Sample | undefined)[] => []);
      const problems = each.variants.map((): string[] => []);
      for (let round = 0; round < bench.rounds; round++) {
        for (const group of groups(each)) {
          const names = group.map(({ name }) => name).join(", ");
          const at = `round ${round + 1}/${bench.rounds}, ${names}`;
          progress(`${workload.name}, ${each.label}: ${at}`);
          await Promise.all(group.map(async (variant) => {
            const i = each.variants.indexOf(variant);
            try {
              samples[i]!.push(await variant.measure(round));
            } catch (error) {
              samples[i]!.push(undefined);
              problems[i]!.push(`${at}: ${messageOf(error)}`);
            }
          }));
        }
      }
      const names = each.variants.map(({ name }) => name);
      const result = summarize({ ...each, names }, workload.metrics, samples, problems);
      cases.push(result);
      each.variants.forEach(({ most = {} }, i) => {
        const { problems, metrics } = result.variants[i]!;
        for (const [key, limit] of Object.entries(most)) {
          const { ratio } = metrics[key]!;
          if (!(ratio <= limit)) problems.push(`${key}: ${ratio.toFixed(3)}, target ${limit}`);
        }
      });
      await bench.processes.stopAll();
      await onCase?.({ workload: about, cases });
    }
  } finally {
    await bench.processes.stopAll();
  }
  return { workload: about, cases };
}

/** Those that are measured at a time. */
function groups({ variants, together = 1 }: Case): Variant[][] {
  const others = variants.filter(({ apart }) => !apart);
  const result: Variant[][] = [];
  for (let i = 0; i < others.length; i += together) result.push(others.slice(i, i + together));
  return [...result, ...variants.filter(({ apart }) => apart).map((variant) => [variant])];
}

/** The rounds of both, of which the first was measured before. */
export function joined(before: WorkloadResult, now: WorkloadResult): WorkloadResult {
  const cases = before.cases.map((one) => {
    const other = now.cases.find(({ label }) => label === one.label);
    if (!other) return one;
    const names = [...new Set([one, other].flatMap((each) => each.variants.map((v) => v.name)))];
    const both = names.map((name) =>
      [one, other].map(({ variants }) => variants.find((variant) => variant.name === name))
    );
    const rounds = [one, other].map(({ variants }) => variants[0]?.samples.length ?? 0);
    const samples = both.map((pair) =>
      pair.flatMap((variant, i) => variant?.samples ?? new Array(rounds[i]!).fill(undefined))
    );
    const problems = both.map((pair) => pair.flatMap((variant) => variant?.problems ?? []));
    return summarize({ ...other, names }, now.workload.metrics, samples, problems);
  });
  const more = now.cases.filter(({ label }) => cases.every((one) => one.label !== label));
  return { workload: now.workload, cases: [...cases, ...more] };
}

function summarize(
  { label, names, baseline }: Pick<Case, "label" | "baseline"> & { names: readonly string[] },
  metrics: readonly Metric[],
  samples: (Sample | undefined)[][],
  problems: string[][],
): CaseResult {
  const name = baseline ?? names.find((name) => name.startsWith("iawlb"));
  const base = samples[names.findIndex((variant) => variant === name)] ?? [];
  return {
    label,
    baseline,
    ratio: baseline ? `its own ÷ that of ${baseline}` : name && `${name} ÷ this one`,
    variants: names.map((name, i) => ({
      name,
      samples: samples[i]!,
      errors: samples[i]!.reduce((sum, sample) => sum + (sample?.errors ?? 0), 0),
      disturbed: samples[i]!.filter((sample) => sample?.disturbed).length,
      problems: problems[i]!,
      metrics: Object.fromEntries(metrics.map(({ key }) => {
        // One that is missing is null in a file.
        const of = (sample: Sample | undefined) => sample ? sample[key] ?? NaN : undefined;
        const own = samples[i]!.map(of);
        const its = base.map(of);
        const values = own.filter((value) => value !== undefined);
        const ratio = baseline ? medianRatio(own, its) : medianRatio(its, own);
        return [key, { median: median(values), spread: spread(values), ratio }];
      })),
    })),
  };
}
