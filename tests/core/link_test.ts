import { assert, assertEquals } from "@std/assert";
import { ROUND_TRIP_MS } from "../sim/network.ts";
import { LinkWorld, type LinkWorldOptions } from "../support/link_world.ts";

const CREDENTIALS = { username: "admin", password: "admin123" };
const HTTP = new Map([[80, { greeting: new TextEncoder().encode("hello") }]]);

/** Round trips from the start until the answer to the first BIND, as the world's clock counts them. */
function roundTripsToReady(options: LinkWorldOptions): number {
  const w = new LinkWorld({ services: HTTP, ...options });
  w.handshake();
  assertEquals(w.link.state, "ready");
  const realm = w.connect(80);
  assertEquals(w.events.find((e) => e.type === "realm-connected"), {
    type: "realm-connected",
    realm,
  });
  return Math.round(w.elapsedMs / ROUND_TRIP_MS * 100) / 100;
}

Deno.test("the direct path with sign and salt lookup is ready in at most 9 round trips", () => {
  const trips = roundTripsToReady({
    device: { authType: 1, sign: "required" },
    link: { credentials: CREDENTIALS },
  });
  assert(trips <= 9, `${trips} round trips`);
});

Deno.test("the direct path without authentication needs no more round trips than with it", () => {
  assert(roundTripsToReady({ device: { sign: "required" } }) <= 9);
});

Deno.test("the relay is ready in at most 7 round trips, with and without authentication", () => {
  const plain = roundTripsToReady({ link: { path: "relay" } });
  assert(plain <= 7, `${plain} round trips`);
  const trips = roundTripsToReady({
    device: { authType: 1, sign: "required" },
    link: { path: "relay", credentials: CREDENTIALS },
  });
  assert(trips <= 7, `${trips} round trips`);
});
