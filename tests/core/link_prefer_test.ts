import { assertEquals } from "@std/assert";
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
