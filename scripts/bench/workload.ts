import { messageOf } from "../../src/base/errors.ts";
import type { Contender } from "./contenders.ts";
import type { Destinations } from "./destinations.ts";
import type { Load } from "./load.ts";
import type { Processes } from "./processes.ts";
import { median, medianRatio, spread } from "./statistics.ts";

/** What every workload works with. */
export interface Bench {
  readonly contenders: readonly Contender[];
  readonly processes: Processes;
  readonly destinations: Destinations;
  readonly load: Load;
  readonly rounds: number;
  /** Length of one measurement. */
  readonly seconds: number;
  /** Whether to make do with little, to see that everything works. */
  readonly quick: boolean;
}

/** One number of a measurement. */
export interface Metric {
  readonly key: string;
  /** What it is, with its unit. */
  readonly title: string;
  readonly digits: number;
}

/** What one measurement came to: its metrics by key, and how many requests failed. */
export type Sample = Readonly<Record<string, number>>;

/** One of the things that a case compares. */
export interface Variant {
  readonly name: string;
  measure(round: number): Promise<Sample>;
}

/** Variants that are measured in turns. */
export interface Case {
  readonly label: string;
  readonly variants: readonly Variant[];
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
  progress: (text: string) => void,
): Promise<WorkloadResult> {
  const { cases: begin, ...about } = workload;
  const cases: CaseResult[] = [];
  try {
    for await (const each of begin(bench)) {
      const samples = each.variants.map((): (Sample | undefined)[] => []);
      const problems = each.variants.map((): string[] => []);
      for (let round = 0; round < bench.rounds; round++) {
        for (const [i, variant] of each.variants.entries()) {
          const at = `round ${round + 1}/${bench.rounds}, ${variant.name}`;
          progress(`${workload.name}, ${each.label}: ${at}`);
          try {
            samples[i]!.push(await variant.measure(round));
          } catch (error) {
            samples[i]!.push(undefined);
            problems[i]!.push(`${at}: ${messageOf(error)}`);
          }
        }
      }
      cases.push(summarize(each, workload.metrics, samples, problems));
      await bench.processes.stopAll();
    }
  } finally {
    await bench.processes.stopAll();
  }
  return { workload: about, cases };
}

function summarize(
  { label, variants, baseline }: Case,
  metrics: readonly Metric[],
  samples: (Sample | undefined)[][],
  problems: string[][],
): CaseResult {
  const name = baseline ?? variants.find(({ name }) => name.startsWith("iawlb"))?.name;
  const base = samples[variants.findIndex((variant) => variant.name === name)] ?? [];
  return {
    label,
    ratio: baseline ? `its own ÷ that of ${baseline}` : name && `${name} ÷ this one`,
    variants: variants.map((variant, i) => ({
      name: variant.name,
      samples: samples[i]!,
      errors: samples[i]!.reduce((sum, sample) => sum + (sample?.errors ?? 0), 0),
      problems: problems[i]!,
      metrics: Object.fromEntries(metrics.map(({ key }) => {
        const own = samples[i]!.map((sample) => sample?.[key]);
        const its = base.map((sample) => sample?.[key]);
        const values = own.filter((value) => value !== undefined);
        const ratio = baseline ? medianRatio(own, its) : medianRatio(its, own);
        return [key, { median: median(values), spread: spread(values), ratio }];
      })),
    })),
  };
}
