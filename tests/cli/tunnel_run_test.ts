import { assert, assertEquals, assertRejects } from "@std/assert";
import { resetSync } from "@std/log";
import type { ExitCode } from "../../lib/cli/exit_codes.ts";
import { Log } from "../../lib/cli/log.ts";
import { LineOutput, OutputClosedError } from "../../lib/cli/output.ts";
import { Redactor } from "../../lib/cli/redaction.ts";
import type { StopRequest } from "../../lib/cli/stop_signals.ts";
import { runTunnel, type TunnelRun } from "../../lib/cli/tunnel_run.ts";
import { type Failure, FailureError } from "../../lib/core/failure.ts";
import type { Tunnel, TunnelEnd, TunnelOptions, TunnelStatus } from "../../lib/net/tunnel.ts";
import { type FakeHost, fakeHost } from "./fake_host.ts";

const SIGINT: StopRequest = { signal: "SIGINT", exitCode: 130 };
const SIGTERM: StopRequest = { signal: "SIGTERM", exitCode: 143 };
const SILENT: Failure = { reason: "peer-silent", what: "Nothing for 30s.", advice: "Look." };

const READY = "READY name=7C0...01F port=127.0.0.1:1554 remote=554 path=direct rtt=38ms " +
  "handshake=1.9s url=rtsp://127.0.0.1:1554/cam/realmonitor?channel=1&subtype=0\n" +
  "READY name=7C0...01F port=127.0.0.1:8080 remote=80 path=direct rtt=38ms handshake=1.9s\n";

class FakeTunnel implements Tunnel {
  readonly ports = [
    { remotePort: 554, hostname: "127.0.0.1", port: 1554 },
    { remotePort: 80, hostname: "127.0.0.1", port: 8080 },
  ];
  readonly path = "direct";
  readonly roundTripMs = 38;
  readonly handshakeMs = 1900;
  readonly end = Promise.withResolvers<TunnelEnd>();
  readonly closed = this.end.promise;
  closes = 0;
  retries = 0;

  status(): TunnelStatus {
    return {
      state: "up",
      sessions: 1,
      failures: 0,
      lostBy: {},
      failedBy: {},
      bytesIn: 0,
      bytesOut: 0,
      retransmits: 0,
      clients: 0,
      ports: [],
    };
  }

  retryNow(): void {
    this.retries++;
  }

  close(): Promise<void> {
    this.closes++;
    this.end.resolve({ upMs: 1 });
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Stage {
  readonly host: FakeHost;
  readonly tunnel: FakeTunnel;
  readonly stop: (request: StopRequest) => void;
  /** The options that the library was called with. */
  readonly options: () => TunnelOptions;
  readonly run: (changes?: Partial<TunnelRun>) => Promise<ExitCode>;
}

function stage(level: "info" | "debug" | "trace" = "info"): Stage {
  const host = fakeHost({ stderrIsTerminal: "yes" });
  const tunnel = new FakeTunnel();
  const stopped = Promise.withResolvers<StopRequest>();
  let options: TunnelOptions = {};
  const log = new Log({
    level,
    format: "text",
    audience: "terminal",
    color: "off",
    redactor: new Redactor(),
    output: host.stderr,
  });
  log.setDevice("7C0...01F");
  return {
    host,
    tunnel,
    stop: stopped.resolve,
    options: () => options,
    run: async (changes = {}) => {
      try {
        return await runTunnel({
          serial: "7C03E8CPAG0001F",
          name: "7C0...01F",
          options: { timeoutMs: 5000 },
          open: (_serial, given) => {
            options = given;
            return Promise.resolve(tunnel);
          },
          log,
          stdout: host.stdout,
          format: "text",
          stopped: stopped.promise,
          ...changes,
        });
      } finally {
        resetSync();
      }
    },
  };
}

Deno.test("a tunnel is said to be ready once for each port, and stopping it is success", async () => {
  const { host, tunnel, stop, run, options } = stage();
  const running = run({
    onReady: () => {
      assertEquals(host.out(), READY);
      stop(SIGTERM);
      return undefined;
    },
  });
  assertEquals(await running, 0);
  assertEquals(host.out(), READY);
  assertEquals(host.err(), "Stopped by SIGTERM; closing the session.\n");
  assertEquals(tunnel.closes, 1);
  assertEquals(options().timeoutMs, 5000);
  assertEquals(options().trace, undefined);
});

Deno.test("a lost session is LOST on standard output and its reason the exit code", async () => {
  const { host, tunnel, run } = stage();
  tunnel.end.resolve({ failure: SILENT, upMs: 15_120_000 });
  assertEquals(await run(), 75);
  assertEquals(host.out(), `${READY}LOST name=7C0...01F reason=peer-silent after=4h12m\n`);
  assertEquals(host.err(), "error[peer-silent] 7C0...01F: Nothing for 30s. Look.\n");
});

Deno.test("LOST says when it is tried again, and READY comes once more", async () => {
  const { host, tunnel, run, options, stop } = stage();
  const running = run({
    onReady: () => {
      options().onEvent?.({ type: "lost", failure: SILENT, upMs: 15_120_000, retryInMs: 29_500 });
      const { ports, path, roundTripMs, handshakeMs } = tunnel;
      for (const session of [1, 2]) {
        options().onEvent?.({ type: "ready", session, ports, path, roundTripMs, handshakeMs });
      }
      stop(SIGTERM);
      return undefined;
    },
  });
  assertEquals(await running, 0);
  assertEquals(
    host.out(),
    `${READY}LOST name=7C0...01F reason=peer-silent after=4h12m retry=30s\n${READY}`,
  );
  assertEquals(
    host.err(),
    "warning[peer-silent] 7C0...01F: Nothing for 30s. Look. Next try in 30s.\n" +
      "Stopped by SIGTERM; closing the session.\n",
  );
});

Deno.test("an end while there was no session is no second LOST", async () => {
  const { host, tunnel, run } = stage();
  tunnel.end.resolve({ failure: SILENT, upMs: 0 });
  assertEquals(await run(), 75);
  assertEquals(host.out(), READY);
});

Deno.test("a session that ends without a reason is our bug, not success", async () => {
  const { host, tunnel, run } = stage();
  tunnel.end.resolve({ upMs: 5 });
  assertEquals(await run(), 70);
  assert(host.err().startsWith("error[internal] "));
});

Deno.test("stopped before it is ready, the handshake is aborted and nothing is on standard output", async () => {
  for (const request of [SIGINT, SIGTERM]) {
    const { host, stop, run } = stage();
    let aborted = false;
    const running = run({
      open: (_serial, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => {
            aborted = true;
            reject(signal.reason);
          });
          stop(request);
        }),
    });
    assertEquals(await running, request.exitCode);
    assert(aborted);
    assertEquals(host.out(), "");
  }
});

Deno.test("a handshake that wins the race against its abort is closed again", async () => {
  const { tunnel, stop, run } = stage();
  const running = run({
    open: (_serial, { signal }) =>
      new Promise((resolve) => {
        signal?.addEventListener("abort", () => resolve(tunnel));
        stop(SIGINT);
      }),
  });
  assertEquals(await running, 130);
  assertEquals(tunnel.closes, 1);
});

Deno.test("a handshake that fails is the caller's to report", async () => {
  const { host, run } = stage();
  const open = (): Promise<Tunnel> => Promise.reject(new FailureError(SILENT));
  await assertRejects(() => run({ open }), FailureError, "Nothing for 30s.");
  assertEquals(host.out(), "");
});

Deno.test("when nobody reads READY the session is closed, not leaked", async () => {
  const { tunnel, run } = stage();
  const stdout = new LineOutput({
    writeSync: (): number => {
      throw new Deno.errors.BrokenPipe("os error 32");
    },
  }, "throw");
  await assertRejects(() => run({ stdout }), OutputClosedError);
  assertEquals(tunnel.closes, 1);
});

Deno.test("what accompanies the tunnel ends with it", async () => {
  const { tunnel, run } = stage();
  let disposed = 0;
  const code = await run({
    onReady: () => {
      tunnel.end.resolve({ failure: SILENT, upMs: 1 });
      return {
        [Symbol.asyncDispose]: (): Promise<void> => {
          disposed++;
          return Promise.resolve();
        },
      };
    },
  });
  assertEquals(code, 75);
  assertEquals(disposed, 1);
});

Deno.test("every event of a tunnel has its line", async () => {
  const { host, stop, run, tunnel } = stage("trace");
  await run({
    open: (_serial, { onEvent, trace }) => {
      onEvent?.({
        type: "listen-fallback",
        remotePort: 554,
        wantedPort: 554,
        port: 1554,
        why: "denied",
      });
      onEvent?.({ type: "phase", phase: "lookup", ms: 212 });
      onEvent?.({ type: "phase", phase: "ready", ms: 1900 });
      onEvent?.({ type: "device", version: "6.3.0", policy: ["p2p", "udprelay"] });
      onEvent?.({ type: "warning", failure: SILENT });
      onEvent?.({ type: "client-opened", remotePort: 554, client: "127.0.0.1:5" });
      onEvent?.({ type: "client-closed", remotePort: 554, client: "127.0.0.1:5", why: "client" });
      onEvent?.({
        type: "client-unserved",
        remotePort: 80,
        client: "127.0.0.1:5",
        reason: "peer-silent",
      });
      onEvent?.({ type: "attempt-failed", failure: SILENT, retryInMs: 900, failures: 2 });
      for (let i = 0; i < 3; i++) {
        onEvent?.({ type: "client-turned-away", remotePort: 554, limit: 32 });
      }
      trace?.({ at: 5, scope: "ptcp", name: "retransmit", data: { sequence: 1 } });
      stop(SIGINT);
      return new Promise((resolve) => setTimeout(() => resolve(tunnel), 0));
    },
  });
  assertEquals(host.err().split("\n"), [
    "Local port 554 needs privileges; using 1554 for the device's port 554.",
    "  lookup   212ms",
    "  ready    1.9s",
    "debug Device version 6.3.0, policy p2p,udprelay.",
    "warning[peer-silent] 7C0...01F: Nothing for 30s. Look.",
    "debug Client 127.0.0.1:5 opened port 554.",
    "debug Client 127.0.0.1:5 left port 554 (client).",
    "warn Turned a client of port 80 away: there is no session (peer-silent).",
    "warn Turned a client away: 32 are connected; --max-clients allows more.",
    "trace 0.005s ptcp retransmit sequence=1",
    "",
  ]);
});
