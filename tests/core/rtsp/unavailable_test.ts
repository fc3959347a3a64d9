import { assertEquals } from "@std/assert";
import { decodeLatin1, utf8 } from "../../../lib/core/bytes.ts";
import { parseHead, type RtspRequestHead } from "../../../lib/core/rtsp/message.ts";
import { unavailableResponse } from "../../../lib/core/rtsp/unavailable.ts";

function request(text: string): RtspRequestHead {
  return parseHead(utf8(`${text}\r\n\r\n`)) as RtspRequestHead;
}

Deno.test("the answer names the reason where players print it, and when to come again", () => {
  const head = request("OPTIONS rtsp://127.0.0.1:1554/ RTSP/1.0\r\nCSeq: 7");
  assertEquals(
    decodeLatin1(unavailableResponse(head, { reason: "peer-silent", retryInMs: 29_100 })),
    "RTSP/1.0 503 Service Unavailable (peer-silent, next try in 30s)\r\n" +
      "CSeq: 7\r\nRetry-After: 30\r\nConnection: close\r\n\r\n",
  );
});

Deno.test("while it connects there is no time to name", () => {
  const head = request("DESCRIBE rtsp://127.0.0.1/x RTSP/1.0\r\nCSeq: 1");
  assertEquals(
    decodeLatin1(unavailableResponse(head, { reason: "starting" })),
    "RTSP/1.0 503 Service Unavailable (starting, connecting now)\r\n" +
      "CSeq: 1\r\nConnection: close\r\n\r\n",
  );
});

Deno.test("a CSeq that is no number is not repeated", () => {
  const head = request("OPTIONS * RTSP/1.0\r\nCSeq: 1 <script>");
  const answer = decodeLatin1(unavailableResponse(head, { reason: "starting", retryInMs: 0 }));
  assertEquals(answer.includes("CSeq"), false);
  assertEquals(answer.includes("Retry-After: 1\r\n"), true);
});
