import { assert, assertEquals } from "@std/assert";
import { roundTripLink } from "../sim/network.ts";
import { LinkWorld } from "../support/link_world.ts";

Deno.test("with the relay preferred it carries the link although a direct path is found", () => {
  const w = new LinkWorld({ link: { prefer: "relay" } });
  w.handshake();
  assertEquals(w.link.path, "relay");
  assertEquals(w.events.filter((e) => e.type === "warning"), []);
});

Deno.test("with the relay preferred no sign is asked for on it", () => {
  const w = new LinkWorld({ device: { sign: "harmful" }, link: { prefer: "relay" } });
  w.handshake();
  assertEquals(w.link.path, "relay");
  assertEquals(w.traces.filter((t) => t.name.includes("sign")), []);
});

Deno.test("a preferred relay that fails leaves the link to the direct path", () => {
  const w = new LinkWorld({ cloud: { silent: ["agent"] }, link: { prefer: "relay" } });
  w.handshake();
  assertEquals(w.link.state, "ready");
  assertEquals(w.link.path, "direct");
});

Deno.test("with the direct path preferred it is taken although the relay is ready", () => {
  const w = new LinkWorld();
  w.handshake();
  assertEquals(w.link.path, "direct");
});

Deno.test("a relay whose device keeps silent is not called once the direct path carries the link", () => {
  const sent: string[] = [];
  const w = new LinkWorld({
    network: {
      onDatagram: ({ from, socket, data, to }) => {
        if (from === "client" && socket === "main" && data[0] === 0x50) sent.push(to.ip);
      },
      // The agent's answer to relay-channel passes; what the device sends through it later does not.
      link: (from, to, now) =>
        from === "agent" && now > 101_500
          ? { lossRate: 1 }
          : roundTripLink("client")(from, to, now),
    },
  });
  w.handshake();
  assertEquals(w.link.path, "direct");
  const before = sent.length;
  assert(before > 0, "the relay was called while the path was open");
  w.runFor(20_000);
  assertEquals(sent.length, before);
});
