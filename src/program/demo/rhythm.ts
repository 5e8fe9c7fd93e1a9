import { wrap } from "../../base/text.ts";
import { sleep } from "../../base/timer.ts";
import type { FlakyServer } from "./flaky_server.ts";
import { type Step, STEPS } from "./steps.ts";
import type { Tally, Traffic } from "./traffic.ts";

/** What the rhythm of the demo plays on. */
export interface RhythmOptions {
  readonly traffic: Pick<Traffic, "become" | "take" | "here">;
  readonly flaky: Pick<FlakyServer, "break" | "comeBack">;
  /** Gets lines for people. */
  tell(line: string): void;
  /**
   * Resolves when somebody wants the next step, with `false` if nobody ever will again. Without it each
   * step takes its time.
   */
  onward?: (() => Promise<boolean>) | undefined;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** The steps of a round; for tests. */
  readonly steps?: readonly Step[];
}

/** Goes through the steps again and again until the signal is aborted. */
export async function playRhythm(options: RhythmOptions): Promise<void> {
  const { traffic, tell, signal, steps = STEPS } = options;
  let { onward } = options;
  for (let round = 1; !signal.aborted; round++) {
    for (const [i, step] of steps.entries()) {
      if (signal.aborted) break;
      await begin(step, options);
      tell(`${step.name.padEnd(9)} ${step.says}`);
      if (onward) {
        const next = steps[(i + 1) % steps.length]!.name;
        tell(`\n${wrap(step.look, 10)}\n\n${" ".repeat(10)}Enter: ${next}`);
        if (await onward()) continue;
        onward = undefined;
        if (!signal.aborted) tell("Nobody presses Enter any more: the demo goes on by itself.");
      }
      await sleep(step.ms, { signal });
    }
    if (!signal.aborted) tell(summary(round, traffic.take()));
  }
  tell(`The demo sends no more clients${leftBehind(traffic.here)}`);
}

async function begin(step: Step, { traffic, flaky, signal }: RhythmOptions): Promise<void> {
  traffic.become(step);
  if (step.flaky) await flaky.comeBack(signal);
  else await flaky.break();
}

function leftBehind(here: number): string {
  if (here === 0) return ".";
  return here === 1
    ? "; the one that is here is still served."
    : `; the ${here} that are here are still served.`;
}

function summary(round: number, { came, answered, lost, longest }: Tally): string {
  const seconds = (longest / 1000).toFixed(1);
  const who = lost === 0 ? "all" : `${lost} lost, ${answered}`;
  return `${`round ${round}`.padEnd(9)} is over: ${came} clients, ${who} answered, each within ` +
    `${seconds} s`;
}
