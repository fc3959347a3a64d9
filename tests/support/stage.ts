/**
 * A simulated world with a camera behind it, ready for the program under test.
 *
 * @module
 */
import { type Camera, startCamera } from "../../fixtures/camera/camera.ts";
import type { CameraOptions } from "../../fixtures/camera/options.ts";
import { type RunningWorld, startWorld } from "../../fixtures/world/deno_shell.ts";
import type { Service, WorldDevice, WorldOptions } from "../../fixtures/world/options.ts";
import { type Running, startProgram } from "./program.ts";

/** The account of the simulated device. */
export const LOGIN = { username: "admin", password: "admin123" } as const;

/** Serial of the simulated device. */
export const SERIAL = "EXAMPLE0SERIAL0";

/** Choices for a {@linkcode Stage}. */
export interface StageOptions {
  readonly device?: WorldDevice | undefined;
  readonly camera?: CameraOptions | undefined;
  readonly world?: Omit<WorldOptions, "devices"> | undefined;
  /** More services by port of the device. */
  readonly services?: ReadonlyMap<number, Service> | undefined;
}

/** A world, its camera on port 554, and what else was put behind it. */
export class Stage implements AsyncDisposable {
  readonly world: RunningWorld;
  readonly camera: Camera;

  private constructor(world: RunningWorld, camera: Camera) {
    this.world = world;
    this.camera = camera;
  }

  /** Sets it up. */
  static async open(options: StageOptions = {}): Promise<Stage> {
    const camera = await startCamera({ credentials: LOGIN, ...options.camera });
    try {
      const services = new Map<number, Service>([
        [554, { hostname: "127.0.0.1", port: camera.port }],
        ...(options.services ?? []),
      ]);
      const world = await startWorld({
        ...options.world,
        devices: [{ ...LOGIN, serial: SERIAL, ...options.device, services }],
      });
      return new Stage(world, camera);
    } catch (error) {
      await camera.close();
      throw error;
    }
  }

  /** `--cloud` of this world. */
  get cloudArgument(): string {
    return `127.0.0.1:${this.world.cloudPort}`;
  }

  /** Starts the program against this world. */
  tunnel(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    return startProgram([SERIAL, "--cloud", this.cloudArgument, ...args], { env });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.world.close();
    await this.camera.close();
  }
}

/** The local port in a READY line. */
export function readyPort(line: string): number {
  const match = / port=127\.0\.0\.1:(\d+) /.exec(line);
  if (!match) throw new Error(`no port in: ${line}`);
  return Number(match[1]);
}
