import type { Measures } from "./measuring.ts";
import { type Named, scenes, type Sizes } from "./scenes.ts";
import { simulate } from "./simulate.ts";

/** Where what was simulated is kept, with which the tables and pictures of docs/scale.md are made. */
export const RESULTS = new URL("../results.json", import.meta.url);

/** One scene, and what it came to. */
export type Result = Omit<Named, "scene"> & Measures;

/** All that was simulated. */
export interface Results {
  readonly sizes: Sizes;
  readonly results: readonly Result[];
  /** The digest of what small scenes came to: when it changes, so would the others. */
  readonly sample: string;
}

/** Scenes that take a moment, of which only some are simulated. */
const SAMPLE: Sizes = { many: 3000, some: 2000 };
const SAMPLED = 7;

/** Simulates all scenes, or every so many of them, one after the other. */
export async function simulateAll(
  sizes: Sizes,
  { progress = () => {}, every = 1 }: { progress?: (text: string) => void; every?: number } = {},
): Promise<Result[]> {
  const results: Result[] = [];
  const some = scenes(sizes).filter((_, i) => i % every === 0);
  for (const { scene, ...named } of some) {
    progress(`${named.group}: ${named.policy}, ${named.setup}`);
    const { timeline, ...measures } = await simulate(scene);
    results.push({ ...named, ...measures, timeline: named.group === "rush" ? timeline : [] });
  }
  return results;
}

/** The digest of what small scenes come to now. */
export async function sampleDigest(): Promise<string> {
  const bytes = new TextEncoder().encode(text(await simulateAll(SAMPLE, { every: SAMPLED })));
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return new Uint8Array(digest).toHex();
}

export function readResults(): Results {
  return JSON.parse(Deno.readTextFileSync(RESULTS));
}

export function writeResults({ sizes, results, sample }: Results): void {
  const lines = [
    `"sizes": ${JSON.stringify(sizes)},`,
    `"sample": ${JSON.stringify(sample)},`,
    `"results": ${text(results)}`,
  ];
  Deno.writeTextFileSync(RESULTS, `{\n${lines.join("\n")}\n}\n`);
}

/** A line for each. */
function text(results: readonly Result[]): string {
  return `[\n${results.map((result) => JSON.stringify(result)).join(",\n")}\n]`;
}
