import { assert, assertEquals } from "@std/assert";
import { type Dialect, SMARTPSS } from "../../lib/core/cloud/dialect.ts";
import { DMSS } from "../../lib/core/cloud/dmss.ts";
import { DEFAULT_DEVICE, DOLYNK_CLOUD } from "../../fixtures/world/options.ts";
import { LinkWorld, type LinkWorldOptions } from "../support/link_world.ts";

const CREDENTIALS = { username: DEFAULT_DEVICE.username, password: DEFAULT_DEVICE.password };
const GREETING = new TextEncoder().encode("220 ready\r\n");
const SERVICES = new Map([[554, { greeting: GREETING }]]);

function dolynk(options: LinkWorldOptions = {}): LinkWorld {
  const world = new LinkWorld({
    ...options,
    cloud: { ...DOLYNK_CLOUD, ...options.cloud },
    link: { dialect: DMSS, ...options.link },
    services: SERVICES,
  });
  world.handshake();
  return world;
}

function greets(world: LinkWorld): boolean {
  const realm = world.connect(554);
  world.runFor(1_000);
  return world.bytes(realm).length === GREETING.length;
}

Deno.test("a device of the dolynk cloud is reached directly, with and without an account", () => {
  for (const authType of [0, 1] as const) {
    const world = dolynk({
      device: { authType },
      link: { dialect: DMSS, ...(authType === 1 ? { credentials: CREDENTIALS } : {}) },
    });
    assertEquals(world.link.path, "direct");
    assert(greets(world));
    const { counters } = world.world;
    assertEquals(counters.dialectRefusals, 0);
    assertEquals(counters.wsseFailures, 0);
    assertEquals(counters.requests["probe/p2psrv"], 0);
    assertEquals(counters.requests["online/stun"], 1);
    assertEquals(counters.requests["local-channel"], authType);
  }
});

Deno.test("a device of the dolynk cloud is reached through the relay", () => {
  const world = dolynk({
    device: { authType: 1, paths: "relay" },
    link: { dialect: DMSS, credentials: CREDENTIALS },
  });
  assertEquals(world.link.path, "relay");
  assert(greets(world));
  assertEquals(world.world.counters.dialectRefusals, 0);
});

Deno.test("DMSS never shows a sign, so that a device which it harms carries data", () => {
  assert(greets(dolynk({ device: { sign: "harmful" } })));
  const asked = dolynk({ device: { sign: "harmful" }, link: { dialect: DMSS, sign: "ask" } });
  assertEquals(asked.link.path, "direct");
  assert(!greets(asked), "told to ask, it asks");
});

Deno.test("a dialect's own choice of the sign may be overruled", () => {
  const world = new LinkWorld({
    device: { sign: "harmful" },
    link: { dialect: SMARTPSS, sign: "skip" },
    services: SERVICES,
  });
  world.handshake();
  assertEquals(world.link.path, "direct");
  assert(greets(world));
});

Deno.test("the dolynk cloud takes nothing of SmartPSS, not even with its own pair", () => {
  for (const account of [SMARTPSS.account, DMSS.account]) {
    const world = dolynk({ link: { dialect: { ...SMARTPSS, account } } });
    assertEquals(world.event("closed")?.failure?.reason, "app-rejected");
    assertEquals(world.world.counters.requests["p2p-channel"], 0);
  }
});

Deno.test("the wrong order of headers or body is refused as a wrong password is", () => {
  const swapped: Dialect = {
    ...DMSS,
    headers: (parts) => {
      const headers = DMSS.headers(parts);
      return parts.exchange === "p2p-channel" ? headers.toReversed() : headers;
    },
  };
  const unpadded: Dialect = {
    ...DMSS,
    channelBody: (parts) => DMSS.channelBody(parts).toReversed(),
  };
  for (const dialect of [swapped, unpadded]) {
    const world = dolynk({
      device: { authType: 1 },
      link: { dialect, credentials: CREDENTIALS, path: "direct" },
    });
    assertEquals(world.event("closed")?.failure?.reason, "auth-rejected");
    assertEquals(world.world.counters.requests["p2p-channel"], 1);
  }
});

Deno.test("a wrong password on the dolynk cloud is judged once, and that is final", () => {
  const world = dolynk({
    device: { authType: 1 },
    link: { dialect: DMSS, credentials: { ...CREDENTIALS, password: "wrong" } },
  });
  assertEquals(world.event("closed")?.failure?.reason, "auth-rejected");
  const { counters } = world.world;
  assertEquals(counters.requests["local-channel"], 1);
  assertEquals(counters.requests["p2p-channel"], 0);
  assertEquals(counters.requests["relay-channel"], 0);
  assertEquals(counters.authTransactions, 1);
});

Deno.test("a clock hours off works in both dialects, with one warning", () => {
  const hour = 3_600_000;
  const rows = [[SMARTPSS, {}], [DMSS, DOLYNK_CLOUD]] as const;
  for (const [dialect, cloud] of rows) {
    for (const clientClockAheadMs of [-9 * hour, 5 * hour]) {
      for (const clockRefusal of [401, 403] as const) {
        const world = new LinkWorld({
          device: { authType: 1 },
          cloud: { ...cloud, clockRefusal },
          clientClockAheadMs,
          link: { dialect, credentials: CREDENTIALS },
          services: SERVICES,
        });
        world.handshake();
        assertEquals(world.link.state, "ready");
        assert(greets(world));
        const skews = world.events.filter((e) =>
          e.type === "warning" && e.failure.reason === "clock-skew"
        );
        assertEquals(skews.length, 1);
        const { counters } = world.world;
        assert(counters.clockRefusals > 0, "the cloud has minded");
        assertEquals(counters.authFailures.DevPwd_InvalidDigest, 0, "the device has not");
      }
    }
  }
});

Deno.test("a clock within the cloud's tolerance is corrected silently, beyond a minute with a warning", () => {
  for (const [aheadMs, warnings] of [[50_000, 0], [-50_000, 0], [90_000, 1]] as const) {
    const world = new LinkWorld({
      device: { authType: 1, createDateToleranceMs: 30_000 },
      clientClockAheadMs: aheadMs,
      link: { dialect: SMARTPSS, credentials: CREDENTIALS },
      services: SERVICES,
    });
    world.handshake();
    assertEquals(world.link.state, "ready");
    assertEquals(world.world.counters.clockRefusals, 0);
    assertEquals(world.world.counters.authFailures.DevPwd_InvalidDigest, 0);
    assertEquals(world.events.filter((e) => e.type === "warning").length, warnings);
  }
});

Deno.test("a cloud that refuses its own time too ends in clock-skew, after one correction", () => {
  for (const [dialect, cloud] of [[SMARTPSS, {}], [DMSS, DOLYNK_CLOUD]] as const) {
    const world = new LinkWorld({
      cloud: { ...cloud, clockToleranceMs: -1 },
      clientClockAheadMs: 7_200_000,
      link: { dialect },
    });
    world.handshake();
    assertEquals(world.event("closed")?.failure?.reason, "clock-skew");
    assertEquals(world.world.counters.requests["online/p2psrv"], 2);
  }
});
