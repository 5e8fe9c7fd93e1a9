import { cpuUsage } from "node:process";

/**
 * What this process has used of the processors so far, in milliseconds: unlike the time that passes,
 * it does not tell of what else the machine does.
 */
export function cpuTime(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1000;
}
