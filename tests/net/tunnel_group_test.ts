import { assertEquals } from "@std/assert";
import { FailureError } from "../../lib/core/failure.ts";
import type { Tunnel, TunnelEnd, TunnelOptions, TunnelStatus } from "../../lib/net/tunnel.ts";
import { type GroupMember, TunnelGroup } from "../../lib/net/tunnel_group.ts";

const STATUS: TunnelStatus = {
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

class FakeTunnel implements Tunnel {
  readonly ports = [];
  readonly path = "direct";
  readonly roundTripMs = 1;
  readonly handshakeMs = 1;
  readonly end = Promise.withResolvers<TunnelEnd>();
  readonly closed = this.end.promise;
  readonly serial: string;
  readonly options: TunnelOptions;
  retries = 0;
  isClosed = false;

  constructor(serial: string, options: TunnelOptions) {
    this.serial = serial;
    this.options = options;
  }

  status(): TunnelStatus {
    return STATUS;
  }

  retryNow(): void {
    this.retries++;
  }

  close(): Promise<void> {
    this.isClosed = true;
    this.end.resolve({ upMs: 1 });
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

interface Stage {
  readonly group: TunnelGroup;
  readonly tunnels: FakeTunnel[];
  readonly said: string[];
  /** Local ports that cannot be listened on, by serial. */
  readonly taken: Set<string>;
}

function stage(): Stage {
  const tunnels: FakeTunnel[] = [];
  const said: string[] = [];
  const taken = new Set<string>();
  const group = new TunnelGroup({
    onEvent: (name, event) => said.push(`${name} ${event.type}`),
    onEnd: (name, end) => said.push(`${name} ended ${end.failure?.reason}`),
    start: (serial, options = {}) => {
      if (taken.has(serial)) {
        throw new FailureError({ reason: "listen-in-use", what: "Taken.", advice: "" });
      }
      const tunnel = new FakeTunnel(serial, options);
      tunnels.push(tunnel);
      return tunnel;
    },
  });
  return { group, tunnels, said, taken };
}

const member = (name: string, options: GroupMember["options"] = {}): GroupMember => ({
  name,
  serial: `SERIAL-${name}`,
  options,
});

Deno.test("a new list starts, stops and restarts what it changes, and leaves the rest alone", async () => {
  const { group, tunnels } = stage();
  await group.apply([member("a"), member("b"), member("c", { path: "relay" })]);
  const [a, b, c] = tunnels;
  const change = await group.apply([
    member("d"),
    member("c", { path: "direct" }),
    member("a"),
  ]);
  assertEquals(change, { started: ["d"], stopped: ["b"], restarted: ["c"], kept: ["a"] });
  assertEquals([a, b, c].map((tunnel) => tunnel!.isClosed), [false, true, true]);
  assertEquals([...group.statuses().keys()], ["d", "c", "a"]);
  const restarted = tunnels.find(({ options }) => options.path === "direct")!;
  assertEquals(restarted.options.startDelayMs, 10_000, "the device still holds the old session");
  assertEquals(tunnels.find(({ serial }) => serial === "SERIAL-d")!.options.startDelayMs, 0);
  await group.close();
  assertEquals(tunnels.every(({ isClosed }) => isClosed), true);
});

Deno.test("a local port that is taken is that device's trouble alone, and is tried again", async () => {
  const { group, tunnels, said, taken } = stage();
  taken.add("SERIAL-a");
  await group.apply([member("a"), member("b")]);
  assertEquals(tunnels.map(({ serial }) => serial), ["SERIAL-b"]);
  assertEquals(said, ["a attempt-failed"]);
  assertEquals(group.statuses().get("a")?.failure?.reason, "listen-in-use");
  taken.clear();
  group.retryNow();
  assertEquals(tunnels.map(({ serial }) => serial), ["SERIAL-b", "SERIAL-a"]);
  await group.close();
});

Deno.test("a device that is given up stays given up until somebody asks for it", async () => {
  const { group, tunnels, said } = stage();
  await group.apply([member("a"), member("b")]);
  const failure = { reason: "auth-rejected", what: "No.", advice: "" } as const;
  tunnels[0]!.end.resolve({ failure, upMs: 0 });
  await tunnels[0]!.closed;
  await Promise.resolve();
  assertEquals(said, ["a ended auth-rejected"]);
  assertEquals(group.running, 1);
  group.retryNow();
  assertEquals([group.running, tunnels.length, tunnels[1]!.retries], [2, 3, 1]);
  await group.close();
});

Deno.test("all members share one gate", async () => {
  const { group, tunnels } = stage();
  await group.apply([member("a"), member("b")]);
  assertEquals(tunnels[0]!.options.gate === tunnels[1]!.options.gate, true);
  assertEquals(tunnels[0]!.options.gate === undefined, false);
  await group.close();
});
