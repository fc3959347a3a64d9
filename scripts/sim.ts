/**
 * Runs simulated tunnels: `deno task sim [--seeds N] [--seed S] [--minutes M]`.
 *
 * `--seed S` runs that one and shrinks it when it fails; `--seeds N` runs N fresh ones; `--minutes M`
 * runs fresh ones for that long. Anything else goes to `deno test` on `tests/sim`: a fixed set of
 * seeds, those that once found something, and fresh ones, within two minutes.
 *
 * @module
 */
import { makeScenario, type Scenario } from "../tests/sim/scenario.ts";
import { shrink } from "../tests/sim/shrink.ts";
import { simulateTunnel, type SimulationResult } from "../tests/sim/tunnel_simulation.ts";

/** Prints one line. */
function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line + "\n"));
}

/** What was asked for. */
interface Wanted {
  readonly seed?: number;
  readonly seeds?: number;
  readonly minutes?: number;
}

/** The options of simulations, or nothing when the arguments are for the tests. */
function parse(args: readonly string[]): Wanted | undefined {
  const wanted: Record<string, number> = {};
  for (let i = 0; i < args.length; i++) {
    const [, name, inline] = /^--(seed|seeds|minutes)(?:=(.*))?$/.exec(args[i]!) ?? [];
    if (name === undefined) return undefined;
    const value = Number(inline ?? args[++i]);
    if (!Number.isFinite(value)) throw new RangeError(`--${name} wants a number`);
    wanted[name] = value;
  }
  return args.length === 0 ? undefined : wanted;
}

/** What all runs together did. */
class Totals {
  runs = 0;
  failures = 0;
  #bytes = 0;
  #sessions = 0;
  #virtualMs = 0;
  readonly #startedAt = performance.now();
  readonly #counts: Record<string, number> = {};

  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  add(result: SimulationResult): void {
    this.#bytes += result.bytes;
    this.#sessions += result.sessions;
    this.#virtualMs += result.virtualMs;
    const all = { ...prefixed("client ", result.ends), ...prefixed("down ", result.downs) };
    for (const [name, count] of Object.entries(all)) {
      this.#counts[name] = (this.#counts[name] ?? 0) + count;
    }
  }

  print(): void {
    const hours = Math.round(this.#virtualMs / 3_600_000);
    print(
      `${this.runs} seeds, ${this.failures} failures, ${Math.round(this.elapsedMs / 1000)} s; ` +
        `${hours} h simulated, ${this.#sessions} sessions, ${Math.round(this.#bytes / 1e6)} MB`,
    );
    for (const name of Object.keys(this.#counts).sort()) print(`  ${name}: ${this.#counts[name]}`);
  }
}

function prefixed(
  prefix: string,
  counts: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([name, n]) => [prefix + name, n]));
}

function runSeed(seed: number, totals: Totals, onFailure: "report" | "shrink"): void {
  const scenario = makeScenario(seed);
  totals.runs++;
  try {
    totals.add(simulateTunnel(scenario));
  } catch (error) {
    totals.failures++;
    const message = error instanceof Error ? error.message : String(error);
    print(`FAILED ${message}`);
    print(`  again: deno task sim --seed ${seed}`);
    if (onFailure === "shrink") explain(scenario, message);
  }
}

function explain(scenario: Scenario, message: string): void {
  const shrunk = shrink(scenario, message, simulateTunnel);
  print(`shrunk in ${shrunk.runs} runs: ${shrunk.message}`);
  print(JSON.stringify(shrunk.scenario, null, 2));
  try {
    simulateTunnel(shrunk.scenario);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    if (cause instanceof Error) print(cause.stack ?? cause.message);
  }
}

function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!;
}

/** Runs the simulations that were asked for; returns the exit code. */
function simulate({ seed, seeds = 0, minutes = 0 }: Wanted): number {
  const totals = new Totals();
  if (seed !== undefined) runSeed(seed, totals, "shrink");
  for (let i = 0; i < seeds; i++) runSeed(freshSeed(), totals, "report");
  while (totals.elapsedMs < minutes * 60_000) runSeed(freshSeed(), totals, "report");
  totals.print();
  return totals.failures === 0 ? 0 : 1;
}

/** Runs the tests of `tests/sim`; returns their exit code. */
async function test(args: readonly string[]): Promise<number> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["test", "--quiet", "--allow-all", ...args, "tests/sim/"],
    stdin: "null",
  });
  return (await command.spawn().status).code;
}

if (import.meta.main) {
  const wanted = parse(Deno.args);
  Deno.exit(wanted === undefined ? await test(Deno.args) : simulate(wanted));
}
