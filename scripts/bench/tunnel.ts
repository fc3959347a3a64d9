/**
 * The program under test, as a user runs it, in front of the lean device.
 *
 * @module
 */
import { type Running, startProgram } from "../../tests/support/program.ts";
import { Child } from "./child.ts";
import { LEAN_PORTS } from "./lean_session.ts";
import { type ProcessCost, processCost } from "./process_meter.ts";

/** What the lean device can do for a client. */
export type LeanService = keyof typeof LEAN_PORTS;

/** A tunnel to the lean device. */
export class BenchTunnel implements AsyncDisposable {
  /** Local port of each service. */
  readonly ports: Readonly<Record<LeanService, number>>;
  readonly #device: AsyncDisposable;
  readonly #program: Running;

  private constructor(
    ports: Readonly<Record<LeanService, number>>,
    device: AsyncDisposable,
    program: Running,
  ) {
    this.ports = ports;
    this.#device = device;
    this.#program = program;
  }

  /** Starts both; resolves when the tunnel is ready. */
  static async open(): Promise<BenchTunnel> {
    const device = await Child.start<{ cloudPort: number; serial: string }>("lean_device.ts");
    const { cloudPort, serial } = device.hello;
    const services = Object.keys(LEAN_PORTS) as LeanService[];
    const program = startProgram([
      serial,
      "--quiet",
      "--path=direct",
      `--cloud=127.0.0.1:${cloudPort}`,
      "--max-clients=128",
      ...services.flatMap((service) => ["-L", `0:${LEAN_PORTS[service]}`]),
    ]);
    const ports = await Promise.all(services.map(async (service) => {
      const line = await program.line(new RegExp(`^READY .* remote=${LEAN_PORTS[service]} `));
      return [service, Number(/ port=127\.0\.0\.1:(\d+) /.exec(line)![1])] as const;
    }));
    return new BenchTunnel(
      Object.fromEntries(ports) as Record<LeanService, number>,
      device,
      program,
    );
  }

  /** What the program has cost so far. */
  get cost(): ProcessCost {
    return processCost(this.#program.pid);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#program.signal("SIGTERM");
    } catch {
      // It has ended by itself; the exit code says why.
    }
    const { code, stderr } = await this.#program.outcome;
    await this.#device[Symbol.asyncDispose]();
    if (code !== 0) throw new Error(`the tunnel ended with ${code}:\n${stderr}`);
  }
}
