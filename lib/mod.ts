/**
 * Reach a Dahua camera or recorder that you own by its serial number.
 *
 * {@linkcode openTunnel} serves ports of the device locally; {@linkcode connectDevice} gives the
 * session itself, with streams to the device's TCP ports; {@linkcode checkDevice} says whether a device
 * can be reached, and why not. The protocol machines below them are
 * free of any runtime: {@linkcode Link} turns datagrams into a session, {@linkcode PtcpConnection}
 * is the transport.
 *
 * @module
 */
export {
  type CloudAddress,
  connectDevice,
  type ConnectEvent,
  type ConnectOptions,
  DEFAULT_CLOUD,
  DEFAULT_CLOUD_PORT,
  DEFAULT_TIMEOUT_MS,
  type DeviceCredentials,
} from "./net/connect.ts";
export { CHECK_LEVELS, type CheckLevel } from "./health/check_level.ts";
export type {
  CheckedChannel,
  CheckedPort,
  CheckPhase,
  CheckResult,
  CheckSource,
  CheckState,
} from "./health/check_result.ts";
export { checkDevice, type CheckDeviceOptions } from "./health/device_check.ts";
export type { FindTunnel } from "./health/running_tunnels.ts";
export type { RecordedDevice, RecordedPort, TunnelRecord } from "./net/tunnel_record.ts";
export type { MediaFigures } from "./core/rtsp/media_meter.ts";
export type { MediaDescription } from "./core/rtsp/session_description.ts";
export type { PictureSize } from "./core/rtsp/picture_size.ts";
export { DEFAULT_FORWARDS, type Forward } from "./net/forward.ts";
export type { ForwarderEvent } from "./net/forwarder.ts";
export type { ClientEnd } from "./net/local_client.ts";
export type { RealmOutcome, RealmPort, RealmStream } from "./net/realm_stream.ts";
export type { Tap, TappedDatagram } from "./net/tapped_socket.ts";
export type { Session, SessionEvent, SessionSettings } from "./net/session.ts";
export {
  openTunnel,
  type ReadyPort,
  startTunnel,
  type Tunnel,
  type TunnelEnd,
  type TunnelEvent,
  type TunnelOptions,
  type TunnelStatus,
} from "./net/tunnel.ts";
export type { SupervisedEvent } from "./net/supervised_session.ts";
export type { SupervisedStatus } from "./net/session_record.ts";
export { type GateRank, HandshakeGate, type HandshakeGateOptions } from "./net/handshake_gate.ts";
export { openVerifiedSession, type VerifiedSession } from "./net/verified_session.ts";
export type { ProbeResult } from "./net/port_probe.ts";
export { StateFile, type StateFileOptions } from "./net/state_file.ts";
export {
  type CloudCandidate,
  cloudCandidates,
  type CloudHost,
  type CloudName,
  type CloudSettings,
  type DialectName,
} from "./core/cloud_choice.ts";
export { type DeviceRoute, Memory, type RouteMemory } from "./core/memory.ts";
export { type Failure, FailureError, type Reason } from "./core/failure.ts";
export { Link, type LinkState } from "./core/link.ts";
export {
  LINK_DEFAULTS,
  type LinkEvent,
  type LinkOptions,
  type LinkPhase,
  type LinkSettings,
} from "./core/link_options.ts";
export { Carrier, type CarrierOptions, type PathKind } from "./core/carrier.ts";
export {
  type Liveness,
  LIVENESS_DEFAULTS,
  type LivenessOptions,
  type Verdict,
} from "./core/liveness.ts";
export * from "./core/ptcp/connection.ts";
export type { NackQuirk } from "./core/ptcp/options.ts";
export * from "./core/realm/multiplexer.ts";
export type { FrameTransport, SessionTransport, TransportEvent } from "./core/realm/transport.ts";
export type { StreamReport } from "./core/relay/stream.ts";
export type { TcpEvent } from "./core/tcp_relay_path.ts";
export {
  type AllocationTicket,
  RelayHosts,
  type RelayHostsOptions,
} from "./core/cloud/relay_hosts.ts";
export type { BackoffOptions, OptionalBackoff } from "./core/backoff.ts";
export * from "./core/cloud/dialect.ts";
export type { ExchangeName, Timing } from "./core/cloud/exchange.ts";
export type { Header } from "./core/cloud/message.ts";
export type { AppAccount } from "./core/cloud/wsse.ts";
export type { Tag } from "./core/cloud/xml.ts";
export type { Credentials, PathPolicy, SocketRole } from "./core/cloud/signaling.ts";
export { DecodeError, InvariantError, StateError } from "./core/errors.ts";
export { seededRandom } from "./core/random.ts";
export type {
  Datagram,
  Deadline,
  DeriveKey,
  Endpoint,
  Environment,
  Machine,
  Random,
  Trace,
  TraceEvent,
  Transmit,
} from "./core/types.ts";
