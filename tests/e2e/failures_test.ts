import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { DeviceSilence } from "../../fixtures/world/options.ts";
import { UdpSocket } from "../../lib/net/udp.ts";
import { type Outcome, runProgram } from "../support/program.ts";
import { LOGIN, readyPort, SERIAL, Stage, type StageOptions } from "../support/stage.ts";

const WITH_LOGIN = {
  DAHUA_P2P_USERNAME: LOGIN.username,
  DAHUA_P2P_PASSWORD: LOGIN.password,
};

const WRONG_PASSWORD = "not-the-password";

interface Expected {
  readonly code: number;
  readonly reason: string;
  /** What a person must be told. */
  readonly says: RegExp;
}

/** No line of data, one error with its reason word and sentence, and the exit code of the reason. */
function assertFailed(outcome: Outcome, { code, reason, says }: Expected): void {
  assertStringIncludes(outcome.stderr, `error[${reason}]`);
  assertMatch(outcome.stderr, says);
  assertEquals(outcome.code, code, outcome.stderr);
  assertEquals(outcome.stdout, "");
  assert(!/\n\s+at /.test(outcome.stderr), `a stack trace: ${outcome.stderr}`);
  for (const secret of [LOGIN.password, WRONG_PASSWORD]) {
    assert(!outcome.stderr.includes(secret), "the password was printed");
  }
}

/** Runs the tunnel against a world until it fails by itself. */
async function failing(
  options: StageOptions,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly outcome: Outcome; readonly stage: Stage }> {
  await using stage = await Stage.open(options);
  const outcome = await stage.tunnel(["-L", "0:554", ...args], env).outcome;
  return { outcome, stage };
}

function silent(...silences: DeviceSilence[]): StageOptions {
  return { device: { silent: silences } };
}

Deno.test("bad words on the command line are usage errors that name the word", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["SHORT"], /10 to 32 letters and digits/],
    [["EXAMPLE0SERIAL-0"], /10 to 32 letters and digits/],
    [[SERIAL, "-L", "99999:554"], /99999/],
    [[SERIAL, "-L", "554:0"], /-L|--forward/],
    [[SERIAL, "--no-such-option"], /--no-such-option/],
    [[SERIAL, "--timeout", "30"], /--timeout/],
    [[SERIAL, "--path", "sideways"], /--path/],
    [[SERIAL, "second"], /one serial/],
    [[], /serial/i],
  ];
  const outcomes = await Promise.all(cases.map(([args]) => runProgram(args)));
  outcomes.forEach((outcome, i) =>
    assertFailed(outcome, { code: 64, reason: "usage", says: cases[i]![1] })
  );
});

Deno.test("a user without a password and without a terminal is a configuration error", async () => {
  const outcome = await runProgram([SERIAL, "-u", "viewer"]);
  assertFailed(outcome, { code: 78, reason: "config", says: /password/ });
});

Deno.test("a local port that is taken ends the run before anything is sent", async () => {
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using stage = await Stage.open();
  const outcome = await stage.tunnel(["-L", `${taken.addr.port}:554`]).outcome;
  assertFailed(outcome, { code: 73, reason: "listen-in-use", says: /is in use.*-L/ });
  assertEquals(stage.world.counters.requests["online/p2psrv"], 0);
});

Deno.test("a cloud whose name does not resolve cannot be reached", async () => {
  const outcome = await runProgram([SERIAL, "-L", "0:554", "--cloud", "no-such-host.invalid"]);
  assertFailed(outcome, { code: 75, reason: "cloud-unreachable", says: /no-such-host\.invalid/ });
});

Deno.test("a cloud that keeps silent cannot be reached, within the time that was given", async () => {
  const mute = new UdpSocket("127.0.0.1");
  const startedAt = performance.now();
  const outcome = await runProgram([
    ...[SERIAL, "-L", "0:554", "--timeout", "3s", "--cloud", `127.0.0.1:${mute.port}`],
  ]);
  assertFailed(outcome, { code: 75, reason: "cloud-unreachable", says: /UDP/ });
  // Not a speed: the limit that was asked for, with room for a busy machine.
  assert(performance.now() - startedAt < 20_000);
  await mute.close();
});

Deno.test("a device that wants a login and gets none says so", async () => {
  const { outcome } = await failing({ device: { authType: 1 } }, []);
  assertFailed(outcome, { code: 77, reason: "auth-required", says: /login/ });
});

Deno.test("a wrong password is judged exactly once and not retried", async () => {
  const { outcome, stage } = await failing({ device: { authType: 1 } }, [], {
    ...WITH_LOGIN,
    DAHUA_P2P_PASSWORD: WRONG_PASSWORD,
  });
  assertFailed(outcome, { code: 77, reason: "auth-rejected", says: /admin.*lock/s });
  assertEquals(stage.world.counters.authTransactions, 1);
});

Deno.test("a serial that the cloud does not know is unknown, not offline", async () => {
  await using stage = await Stage.open({ device: { serial: "ANOTHER0SERIAL0" } });
  const outcome = await stage.tunnel(["-L", "0:554"]).outcome;
  assertFailed(outcome, { code: 68, reason: "device-unknown", says: /serial/ });
});

Deno.test("a device that the cloud knows but cannot reach is offline", async () => {
  const { outcome } = await failing({ device: { isOnline: false } }, []);
  assertFailed(outcome, { code: 69, reason: "device-offline", says: /offline/ });
});

Deno.test("a device that never answers its channel is silent", async () => {
  const { outcome } = await failing(silent("after-trying"), [
    ...["--path", "direct", "--timeout", "20s"],
  ]);
  assertFailed(outcome, { code: 75, reason: "device-silent", says: /did not answer/ });
});

Deno.test("a device that never punches fails the direct path, and auto goes by the relay", async () => {
  const { outcome } = await failing(silent("never-punches"), ["--path", "direct"]);
  assertFailed(outcome, { code: 75, reason: "punch-failed", says: /relay is disabled/ });
  await using stage = await Stage.open(silent("never-punches"));
  await using tunnel = stage.tunnel(["-L", "0:554"]);
  const ready = await tunnel.line(/^READY /);
  assertMatch(ready, / path=relay /);
  assert(readyPort(ready) > 0);
  await tunnel.errorLine(/\[punch-failed\].*using (the )?relay/);
});

Deno.test("a device that never joins the relay leaves it busy", async () => {
  const { outcome } = await failing(silent("never-joins"), ["--path", "relay", "--timeout", "20s"]);
  assertFailed(outcome, { code: 75, reason: "relay-busy", says: /relay/ });
});

Deno.test("a silent agent leaves the relay busy", async () => {
  const { outcome } = await failing({ world: { cloud: { silent: ["agent"] } } }, [
    ...["--path", "relay", "--timeout", "20s"],
  ]);
  assertFailed(outcome, { code: 75, reason: "relay-busy", says: /relay/ });
});

Deno.test("a port that the device refuses is closed; the others are served all the same", async () => {
  await using stage = await Stage.open();
  const outcome = await stage.tunnel(["-L", "0:81"]).outcome;
  assertFailed(outcome, { code: 69, reason: "port-closed", says: /refused port 81/ });
  await using tunnel = stage.tunnel(["-L", "0:81", "-L", "0:554"]);
  const ready = await tunnel.line(/^READY /);
  assertMatch(ready, / remote=554 /);
  await tunnel.errorLine(/\[port-closed\].*81/);
  tunnel.signal("SIGTERM");
  assertEquals((await tunnel.outcome).stdout, `${ready}\n`);
});

Deno.test("an app key that the cloud has withdrawn is not the device's fault", async () => {
  const { outcome } = await failing({
    world: { cloud: { apps: [{ user: "another", key: "pair" }] } },
  }, []);
  assertFailed(outcome, { code: 77, reason: "app-rejected", says: /cloud refused/ });
});

Deno.test("a signal before READY ends the run at once with the signal's code", async () => {
  await using stage = await Stage.open(silent("channel"));
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    await using tunnel = stage.tunnel(["-L", "0:554", "--debug"]);
    await tunnel.errorLine(/signaling/);
    tunnel.signal(signal);
    const outcome = await tunnel.outcome;
    assertEquals(outcome.code, code);
    assertEquals(outcome.stdout, "");
  }
});

Deno.test("a clean stop gives the device its sessions back and the relay its lease", async () => {
  await using stage = await Stage.open();
  await using tunnel = stage.tunnel(["-L", "0:554"]);
  await tunnel.line(/^READY /);
  tunnel.signal("SIGTERM");
  assertEquals((await tunnel.outcome).code, 0);
  assertEquals(stage.world.counters.openLeases, 0);
});

Deno.test("an address that is not of this machine cannot be listened on", async () => {
  await using stage = await Stage.open();
  const outcome = await stage.tunnel(["-L", "192.0.2.1:0:554"]).outcome;
  assertFailed(outcome, { code: 73, reason: "listen-denied", says: /192\.0\.2\.1/ });
  assertEquals(stage.world.counters.requests["online/p2psrv"], 0);
});

Deno.test("a salt that is nowhere to be had is no matter of the password", async () => {
  const { outcome } = await failing(
    { device: { authType: 1, info: "empty" } },
    [],
    WITH_LOGIN,
  );
  assertFailed(outcome, { code: 76, reason: "auth-salt", says: /password was not judged/ });
});

Deno.test("a clock that the cloud refuses even corrected is the clock's fault", async () => {
  const { outcome } = await failing({
    world: { cloud: { clockOffsetMs: 400_000, clockToleranceMs: -1 } },
  }, []);
  assertFailed(outcome, { code: 75, reason: "clock-skew", says: /clock/ });
});
