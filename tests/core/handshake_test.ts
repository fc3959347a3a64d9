import { assert, assertEquals } from "@std/assert";
import { isPtcp } from "../../lib/core/ptcp/segment.ts";
import { isStun } from "../../lib/core/punch/stun.ts";
import { roundTripLink, type Sighting } from "../sim/network.ts";
import { LinkWorld, type LinkWorldOptions } from "../support/link_world.ts";

/** What the client's socket for the device sends until the link is ready, in order. */
function sentToDevice(options: LinkWorldOptions = {}): readonly Uint8Array[] {
  const sent: Uint8Array[] = [];
  const onDatagram = ({ from, socket, data }: Sighting): void => {
    if (from === "client" && socket === "device") sent.push(data);
  };
  const world = new LinkWorld({
    ...options,
    network: { link: roundTripLink("client"), onDatagram, ...options.network },
  });
  world.handshake();
  assertEquals(world.link.state, "ready");
  return sent;
}

/** The closing messages of a check: 44 bytes of success, 32 of confirmation. */
const isClosing = (data: Uint8Array): boolean => isStun(data) && data[0] === 0xfe;

for (const crossProbes of [0, 3]) {
  Deno.test(`success and confirmation leave before the CONNECT, with ${crossProbes} probes of the device`, () => {
    const sent = sentToDevice({ device: { crossProbes } });
    const connect = sent.findIndex(isPtcp);
    const confirmation = sent.findIndex((data) => isClosing(data) && data.length === 32);
    assert(confirmation >= 0);
    assert(connect > confirmation, `CONNECT is ${connect}, the confirmation ${confirmation}`);
    assert(sent.slice(0, connect).some((data) => isClosing(data) && data.length === 44));
  });
}

Deno.test("a relay that never opened is named as such when the direct path is given up later", () => {
  const world = new LinkWorld({
    device: { silent: ["never-punches", "ptcp"] },
    link: { relayOpenTimeoutMs: 500 },
  });
  world.handshake();
  assertEquals(world.event("closed")?.failure?.reason, "relay-busy");
});
