/**
 * The functions of libnice and GObject that its PseudoTCP needs.
 *
 * @module
 */

const NICE = "libnice.so.10";
const GOBJECT = "libgobject-2.0.so.0";
const GLIB = "libglib-2.0.so.0";

/** Bytes of a GValue: its type and two words of data. */
const GVALUE_BYTES = 24;
const TYPE_BOOLEAN = 5n << 2n;
const TYPE_UINT = 7n << 2n;
const TYPE_POINTER = 17n << 2n;

const NICE_SYMBOLS = {
  pseudo_tcp_socket_get_type: { parameters: [], result: "usize" },
  pseudo_tcp_socket_connect: { parameters: ["pointer"], result: "i32" },
  pseudo_tcp_socket_recv: { parameters: ["pointer", "buffer", "usize"], result: "i32" },
  pseudo_tcp_socket_send: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  pseudo_tcp_socket_close: { parameters: ["pointer", "i32"], result: "void" },
  pseudo_tcp_socket_get_error: { parameters: ["pointer"], result: "i32" },
  pseudo_tcp_socket_notify_clock: { parameters: ["pointer"], result: "void" },
  pseudo_tcp_socket_notify_mtu: { parameters: ["pointer", "u16"], result: "void" },
  pseudo_tcp_socket_notify_packet: { parameters: ["pointer", "buffer", "u32"], result: "i32" },
  pseudo_tcp_socket_get_next_clock: { parameters: ["pointer", "buffer"], result: "i32" },
} as const;

const GOBJECT_SYMBOLS = {
  g_object_new_with_properties: {
    parameters: ["usize", "u32", "buffer", "buffer"],
    result: "pointer",
  },
  g_object_unref: { parameters: ["pointer"], result: "void" },
  g_value_init: { parameters: ["pointer", "usize"], result: "pointer" },
  g_value_set_uint: { parameters: ["pointer", "u32"], result: "void" },
  g_value_set_boolean: { parameters: ["pointer", "i32"], result: "void" },
  g_value_set_pointer: { parameters: ["pointer", "pointer"], result: "void" },
} as const;

const GLIB_SYMBOLS = {
  g_get_monotonic_time: { parameters: [], result: "i64" },
} as const;

/** The libraries, loaded. */
export interface LibniceLibraries {
  readonly nice: Deno.DynamicLibrary<typeof NICE_SYMBOLS>;
  readonly gobject: Deno.DynamicLibrary<typeof GOBJECT_SYMBOLS>;
  readonly glib: Deno.DynamicLibrary<typeof GLIB_SYMBOLS>;
}

/**
 * Loads libnice and what it is made of.
 *
 * @throws {Error} When it is not installed: a test that needs it fails, it never passes silently.
 */
export function loadLibraries(): LibniceLibraries {
  try {
    return {
      nice: Deno.dlopen(NICE, NICE_SYMBOLS),
      gobject: Deno.dlopen(GOBJECT, GOBJECT_SYMBOLS),
      glib: Deno.dlopen(GLIB, GLIB_SYMBOLS),
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${NICE} cannot be loaded; install the Debian package libnice10: ${reason}`, {
      cause: error,
    });
  }
}

/**
 * Names and values of the properties of a GObject to be. `g_object_new` is variadic and so out of
 * reach; this is what it does with its arguments.
 */
export class PropertyList {
  readonly #libraries: LibniceLibraries;
  readonly #names: Uint8Array<ArrayBuffer>[] = [];
  readonly #values: Uint8Array<ArrayBuffer>[] = [];

  /** @param libraries Those that make the object. */
  constructor(libraries: LibniceLibraries) {
    this.#libraries = libraries;
  }

  /** Adds an unsigned integer. */
  uint(name: string, value: number): void {
    this.#gobject.g_value_set_uint(this.#add(name, TYPE_UINT), value);
  }

  /** Adds a truth value. */
  boolean(name: string, value: 0 | 1): void {
    this.#gobject.g_value_set_boolean(this.#add(name, TYPE_BOOLEAN), value);
  }

  /** Adds a pointer; what it points to must stay alive. */
  pointer(name: string, value: Deno.PointerValue): void {
    this.#gobject.g_value_set_pointer(this.#add(name, TYPE_POINTER), value);
  }

  /** Makes the object. */
  create(type: bigint): Deno.PointerValue {
    const names = new BigUint64Array(
      this.#names.map((name) => Deno.UnsafePointer.value(Deno.UnsafePointer.of(name))),
    );
    const values = new Uint8Array(GVALUE_BYTES * this.#values.length);
    this.#values.forEach((value, index) => values.set(value, index * GVALUE_BYTES));
    return this.#gobject.g_object_new_with_properties(
      type,
      this.#names.length,
      new Uint8Array(names.buffer),
      values,
    );
  }

  get #gobject(): LibniceLibraries["gobject"]["symbols"] {
    return this.#libraries.gobject.symbols;
  }

  #add(name: string, type: bigint): Deno.PointerValue {
    const value = new Uint8Array(GVALUE_BYTES);
    this.#names.push(new TextEncoder().encode(`${name}\0`));
    this.#values.push(value);
    return this.#gobject.g_value_init(Deno.UnsafePointer.of(value), type);
  }
}
