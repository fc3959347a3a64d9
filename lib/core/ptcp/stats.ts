/**
 * What a connection counts.
 *
 * @module
 */

/** Plain counters since the connection was made; they never decrease. */
export interface PtcpStats {
  /** Datagrams that are segments. */
  segmentsIn: number;
  /** Datagrams sent. */
  segmentsOut: number;
  /** Stream bytes delivered in order, each once. */
  bytesIn: number;
  /** Stream bytes sent for the first time. */
  bytesOut: number;
  /** Segments sent again, for whatever reason. */
  retransmits: number;
  /** Their stream bytes. */
  retransmittedBytes: number;
  /** Recoveries begun by three duplicate acks. */
  fastRetransmits: number;
  /** Recoveries begun by a NACK. */
  nackRetransmits: number;
  /** Retransmission timeouts. */
  timeouts: number;
  /** Recoveries that the echoed timestamp showed to be needless, and that were undone. */
  spuriousRecoveries: number;
  /** Segments that held nothing but bytes received before. */
  duplicatesIn: number;
  /** Segments kept for later because something before them is missing. */
  outOfOrderIn: number;
  /** Duplicate acks received. */
  duplicateAcksIn: number;
  /** NACKs received. */
  nacksIn: number;
  /** NACKs sent; only with the quirk. */
  nacksOut: number;
  /** Probes of our window received. */
  probesIn: number;
  /** Probes of the peer's zero window sent. */
  probesOut: number;
  /** Empty segments sent to acknowledge or to open the window. */
  acksOut: number;
  /** Segments and other datagrams dropped, each traced with its reason. */
  droppedIn: number;
}

/** Counters at zero. */
export function emptyStats(): PtcpStats {
  return {
    segmentsIn: 0,
    segmentsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    retransmits: 0,
    retransmittedBytes: 0,
    fastRetransmits: 0,
    nackRetransmits: 0,
    timeouts: 0,
    spuriousRecoveries: 0,
    duplicatesIn: 0,
    outOfOrderIn: 0,
    duplicateAcksIn: 0,
    nacksIn: 0,
    nacksOut: 0,
    probesIn: 0,
    probesOut: 0,
    acksOut: 0,
    droppedIn: 0,
  };
}
