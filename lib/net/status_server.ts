/**
 * A small HTTP server of ours.
 *
 * @module
 */
import { FailureError } from "../core/failure.ts";
import { formatListen } from "./forward.ts";

/** A server that runs. */
export interface StatusServer extends AsyncDisposable {
  readonly hostname: string;
  readonly port: number;
}

/** Names by which programs of this machine reach a loopback listener. */
const LOCAL_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Serves requests until disposed of.
 *
 * @param hostname IP literal; on a loopback one, requests for other hosts are refused: a page in a
 * browser could reach it by a name of its own otherwise.
 * @param port 0 for any free one.
 * @throws {FailureError} `listen-in-use` or `listen-denied`.
 */
export function serveStatus(
  hostname: string,
  port: number,
  answer: (request: Request) => Response,
): StatusServer {
  const isLocal = hostname === "::1" || hostname.startsWith("127.");
  const handler = (request: Request): Response =>
    isLocal && !LOCAL_HOST.test(request.headers.get("host") ?? "")
      ? new Response("Not for this host.\n", { status: 421 })
      : answer(request);
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve({ hostname, port, onListen: () => {} }, handler);
  } catch (error) {
    const isTaken = error instanceof Deno.errors.AddrInUse;
    throw new FailureError({
      reason: isTaken ? "listen-in-use" : "listen-denied",
      what: `The status page cannot listen on ${formatListen(hostname, port)}${
        isTaken ? ": it is in use" : ""
      }.`,
      advice: "Choose another address for http.",
      facts: { hostname, port },
    });
  }
  return {
    hostname,
    port: server.addr.port,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
