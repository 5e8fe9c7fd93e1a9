import { readResults, type Result } from "./results.ts";
import { LOADS, POLICIES, SETUPS } from "./scenes.ts";

/** A table of docs/scale.md, by name: Markdown. */
export function simulatedTables(
  results: readonly Result[] = readResults().results,
): Record<string, string[]> {
  const of = (group: Result["group"]) => results.filter((result) => result.group === group);
  return {
    "simulated policies": byPolicy(of("policies")),
    "simulated imbalance": imbalance(of("policies")),
    "simulated loads": byLoad(of("load")),
    "simulated rush": rush(of("rush")),
    "simulated slow servers": slow(of("slow")),
  };
}

/** Wait and response of each policy with each number of balancers. */
function byPolicy(results: readonly Result[]): string[] {
  return [
    ...head(["wait", ...Object.keys(SETUPS)]),
    ...POLICIES.map((policy) =>
      row([
        `\`${policy}\``,
        ...ofPolicy(results, policy).map(({ wait: { p50, p99, p999 } }) =>
          [p50, p99, p999].map(ms).join(" / ")
        ),
      ])
    ),
    row(["**response**", ...Object.keys(SETUPS).map(() => "")]),
    ...POLICIES.map((policy) =>
      row([
        `\`${policy}\``,
        ...ofPolicy(results, policy).map(({ response: { p50, p99, p999 } }) =>
          [p50, p99, p999].map(ms).join(" / ")
        ),
      ])
    ),
  ];
}

/** How unequally servers are busy, and who was overtaken. */
function imbalance(results: readonly Result[]): string[] {
  return [
    ...head(["busiest, idlest; overtaken", ...Object.keys(SETUPS)]),
    ...POLICIES.map((policy) =>
      row([
        `\`${policy}\``,
        ...ofPolicy(results, policy).map(({ utilisation: { most, least }, jumped }) =>
          `${percent(most)}, ${percent(least)}; ${percent(jumped)}`
        ),
      ])
    ),
  ];
}

function ofPolicy(results: readonly Result[], policy: string): Result[] {
  return Object.keys(SETUPS).map((setup) =>
    results.find((result) => result.policy === policy && result.setup === setup)!
  );
}

function byLoad(results: readonly Result[]): string[] {
  const lines = Map.groupBy(results, ({ policy, setup }) => `\`${policy}\`, ${setup}`);
  return [
    ...head(["wait", ...LOADS.map((load) => percent(load))]),
    ...[...lines].map(([name, points]) =>
      row([name, ...points.map(({ wait }) => `${ms(wait.p50)} / ${ms(wait.p99)}`)])
    ),
  ];
}

function rush(results: readonly Result[]): string[] {
  return [
    ...head(["balancers", "wait", "overtaken", "by somebody who came so much later, p99"]),
    ...results.map(({ setup, wait, jumped, lead }) =>
      row([
        setup,
        [wait.p50, wait.p99, wait.p999].map(ms).join(" / "),
        percent(jumped),
        jumped > 0 ? ms(lead.p99) : "–",
      ])
    ),
  ];
}

function slow(results: readonly Result[]): string[] {
  const policies = [...new Set(results.map(({ policy }) => policy))];
  const setups = [...new Set(results.map(({ setup }) => setup))];
  return [
    ...head(["response", ...setups]),
    ...policies.map((policy) =>
      row([
        `\`${policy}\``,
        ...setups.map((setup) => {
          const { response } = results.find((one) => one.policy === policy && one.setup === setup)!;
          return [response.p50, response.p99, response.p999].map(ms).join(" / ");
        }),
      ])
    ),
  ];
}

function head(cells: readonly string[]): string[] {
  return [row(cells), row(cells.map((_, i) => i === 0 ? "---" : "---:"))];
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function ms(value: number): string {
  if (value === 0) return "0";
  if (value >= 10_000) return `${(value / 1000).toFixed(0)} s`;
  if (value >= 1000) return `${(value / 1000).toFixed(1)} s`;
  return value < 1 ? "< 1" : value.toFixed(0);
}

function percent(share: number): string {
  return share > 0 && share < 0.01 ? "< 1 %" : `${Math.round(share * 100)} %`;
}
