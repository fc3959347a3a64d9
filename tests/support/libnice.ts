/**
 * libnice's PseudoTCP, a foreign implementation of the other end of our transport, through the
 * foreign function interface.
 *
 * Debian's package is `libnice10`. It runs on the real monotonic clock and calls back while it is
 * being called, never at other times: packets and events wait here until they are polled, so the
 * wrapper has the shape of our own connection.
 *
 * Source: PROTOCOL.md section 10.
 *
 * @module
 */
import { StateError } from "../../lib/core/errors.ts";
import { type LibniceLibraries, loadLibraries, PropertyList } from "./libnice_library.ts";

/** The conversation id of PTCP: its four letters. */
const CONVERSATION = 0x5054_4350;
/** libnice subtracts IP, UDP, its own header and 64 bytes of relay overhead from the MTU. */
const MTU_OVERHEAD_BYTES = 116;
/** What a packet callback answers: the packet was sent. */
const WRITE_SUCCESS = 0;
const READ_BYTES = 65_536;

/** A function of ours that libnice calls. */
interface Callback {
  readonly pointer: Deno.PointerObject;
  close(): void;
}

/** What one end of libnice can be told; absent means its own default. */
export interface LibniceOptions {
  /** Largest payload of a segment, default 1292 as ours. */
  readonly mssBytes?: number | undefined;
  /** Above 65535 it announces a window scale. */
  readonly receiveBufferBytes?: number | undefined;
  readonly sendBufferBytes?: number | undefined;
  /** Longest delay of an acknowledgement; its default is 100. */
  readonly ackDelayMs?: number | undefined;
}

/** What an end of libnice reported. */
export type LibniceEvent =
  | { readonly type: "open" | "readable" | "writable" }
  /** `error` is an errno. */
  | { readonly type: "closed"; readonly error: number };

/** The library, loaded. */
export class Libnice {
  readonly #libraries: LibniceLibraries;

  private constructor(libraries: LibniceLibraries) {
    this.#libraries = libraries;
  }

  /**
   * Loads libnice, for as long as the process lives: its types cannot be registered a second time.
   *
   * @throws {Error} When it is not installed: a test that needs it fails, it never passes silently.
   */
  static load(): Libnice {
    return new Libnice(loadLibraries());
  }

  /** Milliseconds on the clock that libnice reads. */
  now(): number {
    return Number(this.#libraries.glib.symbols.g_get_monotonic_time()) / 1000;
  }

  /** A new end, which listens until it is opened. */
  socket(options: LibniceOptions = {}): LibniceSocket {
    return new LibniceSocket(this.#libraries, options);
  }
}

/** One end of libnice's PseudoTCP, in the shape of our own connection. */
export class LibniceSocket {
  readonly #libraries: LibniceLibraries;
  readonly #callbacks: readonly Callback[];
  /** Kept as long as the socket: libnice may hold on to it. */
  readonly #callbackTable: BigUint64Array<ArrayBuffer>;
  readonly #transmits: Uint8Array[] = [];
  readonly #events: LibniceEvent[] = [];
  readonly #readBuffer = new Uint8Array(READ_BYTES);
  readonly #deadline = new BigUint64Array(1);
  readonly #deadlineBytes: Uint8Array<ArrayBuffer> = new Uint8Array(this.#deadline.buffer);
  #socket: Deno.PointerObject | undefined;
  #open = false;

  /** Made by {@linkcode Libnice.socket}. */
  constructor(libraries: LibniceLibraries, options: LibniceOptions) {
    this.#libraries = libraries;
    this.#callbacks = this.#makeCallbacks();
    this.#callbackTable = new BigUint64Array([
      0n,
      ...this.#callbacks.map(({ pointer }) => Deno.UnsafePointer.value(pointer)),
    ]);
    this.#socket = this.#create(options);
    const mtu = (options.mssBytes ?? 1292) + MTU_OVERHEAD_BYTES;
    this.#nice.pseudo_tcp_socket_notify_mtu(this.#socket, mtu);
  }

  /** Whether data may be sent. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Sends the CONNECT of the active side. The clock is libnice's own. */
  open(): void {
    const connected = this.#nice.pseudo_tcp_socket_connect(this.#pointer);
    if (connected === 0) throw new StateError(`connect failed: errno ${this.#error()}`);
  }

  /** Takes one datagram; returns whether libnice liked it. */
  handleSegment(bytes: Uint8Array): boolean {
    const copy = new Uint8Array(bytes);
    return this.#nice.pseudo_tcp_socket_notify_packet(this.#pointer, copy, copy.length) !== 0;
  }

  /** Runs every timer that is due. */
  handleTimeout(): void {
    this.#nice.pseudo_tcp_socket_notify_clock(this.#pointer);
  }

  /** The next datagram to send. */
  pollTransmit(): Uint8Array | undefined {
    return this.#transmits.shift();
  }

  /** The next thing that happened. */
  pollEvent(): LibniceEvent | undefined {
    return this.#events.shift();
  }

  /** When `handleTimeout` is due on the clock of {@linkcode Libnice.now}. */
  pollDeadline(): number | undefined {
    this.#deadline[0] = 0n;
    const wanted = this.#nice.pseudo_tcp_socket_get_next_clock(this.#pointer, this.#deadlineBytes);
    return wanted === 0 ? undefined : Number(this.#deadline[0]);
  }

  /** Queues bytes of the stream; returns how many were taken. */
  write(bytes: Uint8Array): number {
    if (!this.#open) return 0;
    const copy = new Uint8Array(bytes);
    return Math.max(0, this.#nice.pseudo_tcp_socket_send(this.#pointer, copy, copy.length));
  }

  /** The next in-order bytes, at most `limit` of them. */
  read(limit = READ_BYTES): Uint8Array | undefined {
    const wanted = BigInt(Math.min(limit, READ_BYTES));
    const read = this.#nice.pseudo_tcp_socket_recv(this.#pointer, this.#readBuffer, wanted);
    return read > 0 ? this.#readBuffer.slice(0, read) : undefined;
  }

  /** Frees the socket. Unacknowledged bytes are lost. */
  [Symbol.dispose](): void {
    if (this.#socket === undefined) return;
    this.#nice.pseudo_tcp_socket_close(this.#socket, 1);
    this.#libraries.gobject.symbols.g_object_unref(this.#socket);
    this.#socket = undefined;
    for (const callback of this.#callbacks) callback.close();
  }

  get #nice(): LibniceLibraries["nice"]["symbols"] {
    return this.#libraries.nice.symbols;
  }

  get #pointer(): Deno.PointerObject {
    if (this.#socket === undefined) throw new StateError("the socket was disposed of");
    return this.#socket;
  }

  #error(): number {
    return this.#nice.pseudo_tcp_socket_get_error(this.#pointer);
  }

  #makeCallbacks(): readonly Callback[] {
    const notice = { parameters: ["pointer", "pointer"], result: "void" } as const;
    return [
      new Deno.UnsafeCallback(notice, () => {
        this.#open = true;
        this.#events.push({ type: "open" });
      }),
      new Deno.UnsafeCallback(notice, () => void this.#events.push({ type: "readable" })),
      new Deno.UnsafeCallback(notice, () => void this.#events.push({ type: "writable" })),
      new Deno.UnsafeCallback(
        { parameters: ["pointer", "u32", "pointer"], result: "void" },
        (_socket, error) => {
          this.#open = false;
          this.#events.push({ type: "closed", error });
        },
      ),
      new Deno.UnsafeCallback(
        { parameters: ["pointer", "pointer", "u32", "pointer"], result: "i32" },
        (_socket, bytes, length) => {
          const copy = new Uint8Array(length);
          if (bytes !== null) Deno.UnsafePointerView.copyInto(bytes, copy);
          this.#transmits.push(copy);
          return WRITE_SUCCESS;
        },
      ),
    ];
  }

  #create(options: LibniceOptions): Deno.PointerObject {
    const properties = new PropertyList(this.#libraries);
    properties.uint("conversation", CONVERSATION);
    properties.pointer("callbacks", Deno.UnsafePointer.of(this.#callbackTable));
    properties.boolean("support-fin-ack", 0);
    properties.boolean("no-delay", 1);
    const { ackDelayMs, receiveBufferBytes, sendBufferBytes } = options;
    if (ackDelayMs !== undefined) properties.uint("ack-delay", ackDelayMs);
    if (receiveBufferBytes !== undefined) properties.uint("rcv-buf", receiveBufferBytes);
    if (sendBufferBytes !== undefined) properties.uint("snd-buf", sendBufferBytes);
    const socket = properties.create(this.#nice.pseudo_tcp_socket_get_type());
    if (socket === null) throw new Error("libnice made no socket");
    return socket;
  }
}
