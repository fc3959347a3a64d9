/**
 * Finds a smaller scenario that fails in the same way, by leaving things out.
 *
 * @module
 */
import type { Scenario } from "./scenario.ts";

/** Runs of one search at the most. */
const MAX_RUNS = 120;

/** A scenario that still fails, and what it says. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly message: string;
  readonly runs: number;
}

/**
 * Leaves out faults, clients, line troubles and NATs, halves first, as long as it still fails.
 *
 * @param run Throws when the scenario fails.
 */
export function shrink(
  failing: Scenario,
  message: string,
  run: (scenario: Scenario) => void,
): Shrunk {
  const kind = kindOf(message);
  let best: Shrunk = { scenario: failing, message, runs: 0 };
  let runs = 0;
  const accept = (candidate: Scenario): boolean => {
    if (runs >= MAX_RUNS) return false;
    runs++;
    try {
      run(candidate);
      return false;
    } catch (error) {
      const said = error instanceof Error ? error.message : String(error);
      if (kindOf(said) !== kind) return false;
      best = { scenario: candidate, message: said, runs };
      return true;
    }
  };
  for (let isBetter = true; isBetter;) {
    const { scenario } = best;
    const { latencyMs } = scenario.up;
    isBetter = accept({ ...scenario, up: { latencyMs }, down: { latencyMs } }) &&
      isTroubled(scenario);
    isBetter = shrinkList(best.scenario, "faults", accept, () => best.scenario) || isBetter;
    isBetter = shrinkList(best.scenario, "clients", accept, () => best.scenario) || isBetter;
    for (const key of ["clientNat", "deviceNat"] as const) {
      if (best.scenario[key] !== undefined) {
        isBetter = accept({ ...best.scenario, [key]: undefined }) || isBetter;
      }
    }
    for (
      const calm of [
        { timerLatenessMs: 0 },
        { spuriousTimeoutRate: 0 },
        { clockAheadMs: 0 },
        { cloud: {} },
      ]
    ) {
      const key = Object.keys(calm)[0] as keyof typeof calm;
      if (JSON.stringify(best.scenario[key as keyof Scenario]) !== JSON.stringify(calm[key])) {
        isBetter = accept({ ...best.scenario, ...calm }) || isBetter;
      }
    }
  }
  return { ...best, runs };
}

function shrinkList(
  scenario: Scenario,
  key: "faults" | "clients",
  accept: (candidate: Scenario) => boolean,
  current: () => Scenario,
): boolean {
  let isBetter = false;
  for (let size = Math.ceil(scenario[key].length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < current()[key].length;) {
      const rest = [...current()[key]];
      rest.splice(from, size);
      if (accept({ ...current(), [key]: rest })) isBetter = true;
      else from += size;
    }
  }
  return isBetter;
}

function isTroubled({ up, down }: Scenario): boolean {
  return Object.keys(up).length + Object.keys(down).length > 2;
}

/** The message without its figures: a smaller run fails at other instants. */
function kindOf(message: string): string {
  return message.replaceAll(/[\d.]+/g, "#").replaceAll(/\{.*?\}/g, "{}");
}
