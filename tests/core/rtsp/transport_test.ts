import { assertEquals } from "@std/assert";
import {
  splitTransports,
  transportCarrier,
  transportParameter,
} from "../../../lib/core/rtsp/transport.ts";

Deno.test("a transport is carried by datagrams unless TCP or interleaving is said", () => {
  const cases: [string, string][] = [
    ["RTP/AVP", "datagram"],
    ["RTP/AVP;unicast;client_port=5000-5001", "datagram"],
    ["RTP/AVP/UDP;unicast;client_port=5000-5001", "datagram"],
    ["rtp/avp/udp;multicast", "datagram"],
    ["RTP/SAVPF;unicast", "datagram"],
    ['RTP/AVP;multicast;ttl=127;mode="PLAY"', "datagram"],
    ["RAW/RAW/UDP;unicast;client_port=7000", "datagram"],
    ["RTP/AVP/TCP;unicast;interleaved=0-1", "interleaved"],
    ["RTP/AVP/TCP", "interleaved"],
    ["RTP/AVP;unicast;interleaved=0-1", "interleaved"],
    ["RTP/AVP/TCP;interleaved", "interleaved"],
    ["x-real-rdt", "unknown"],
    ["DVR/PRIVATE", "unknown"],
    ["", "unknown"],
  ];
  for (const [spec, carrier] of cases) assertEquals(transportCarrier(spec), carrier, spec);
});

Deno.test("alternatives are split at commas outside quotes", () => {
  assertEquals(
    splitTransports('RTP/AVP;mode="PLAY,RECORD", RTP/AVP/TCP;interleaved=0-1 ,,'),
    ['RTP/AVP;mode="PLAY,RECORD"', "RTP/AVP/TCP;interleaved=0-1"],
  );
});

Deno.test("a parameter is found by name, with or without a value", () => {
  const spec = "RTP/AVP/TCP;unicast;Interleaved=2-3;ssrc=01020304";
  assertEquals(transportParameter(spec, "interleaved"), "2-3");
  assertEquals(transportParameter(spec, "unicast"), "");
  assertEquals(transportParameter(spec, "multicast"), undefined);
});
