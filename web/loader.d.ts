// Types of loader.js.
// Generated from exports.toml by `cargo xtask generate`; edit that instead.

/** Version of the boundary. */
export const ABI_VERSION: 2;
/** Equal for two builds exactly if they agree on every call. */
export const MANIFEST_HASH: string;
/** A line of Lua releases. */
export type LuaLine = '5.4' | '5.5';
/** The lines of Lua releases that there are modules of; the first is the default. */
export const LUA_LINES: readonly ['5.4', '5.5'];
/** Pages of the memory, minimum and maximum: 2 MiB. */
export const MEMORY_PAGES: 32;
/** Bytes in a page. */
export const WASM_PAGE_SIZE: 65536;
/** Bytes of the I/O buffer. */
export const IO_BUFFER_SIZE: 65536;
/** An error message in the I/O buffer takes fewer bytes than this. */
export const ERROR_LIMIT: 200;
/**
 * Longest string that can be a key of an external table, in bytes. In its form each byte takes up
 * to four, so that a host sees keys of up to 65540 bytes.
 */
export const KEY_LIMIT: 16384;
/**
 * Longest string that an external table takes as a value, in bytes, unless the host negotiates
 * another length. Its encoding has a tag and a length in front: `VALUE_HEAD` bytes more.
 */
export const VALUE_LIMIT: 16384;
/**
 * The least that a host can negotiate: every value but a string fits, with `VALUE_HEAD` bytes more.
 */
export const VALUE_LIMIT_LEAST: 64;
/**
 * Bytes of a string's encoding in front of its own. So a host with nothing negotiated gets values
 * of up to 16389 bytes.
 */
export const VALUE_HEAD: 5;
/**
 * The least that `set_heap_limit` can give a machine: it can load the libraries, run small scripts
 * and report their errors.
 */
export const HEAP_LEAST: 131072;
/** Flag of `execute`: run the code as `eval` does, as an interactive console. */
export const EXECUTE_CONSOLE: 1;
/**
 * Flag of `execute`: pass the elements of the global table `arg`, from 1 on, to the code as its
 * `...`.
 */
export const EXECUTE_ARGUMENTS: 2;
/** There is no program, or it has ended. */
export const PROGRAM_NONE: 0;
/** There is a program, which has not begun, or has used up the ticks of a step. */
export const PROGRAM_PAUSED: 1;
/** The program waits in `coroutine.yield`, which returns what `program_resume` hands over. */
export const PROGRAM_YIELDED: 2;
/** The code ran to its end. */
export const STATUS_OK: 0;
/** The program that is run in steps is paused: `program_step` goes on with it. */
export const STATUS_PAUSED: 1;
/** The code raised an error. */
export const STATUS_RUNTIME_ERROR: 2;
/** The code is not Lua, or is a binary chunk. */
export const STATUS_SYNTAX_ERROR: 3;
/** The heap was full. */
export const STATUS_MEMORY_ERROR: 4;
/** An error occurred while another was being handled. */
export const STATUS_HANDLER_ERROR: 5;
/** The code was stopped: it ran as many instructions as `set_limits` allows. */
export const STATUS_INSTRUCTION_LIMIT: 6;
/** The code was stopped: it ran as long as `set_limits` allows. */
export const STATUS_TIME_LIMIT: 7;
/** The code was stopped: it printed as much as `set_limits` allows. */
export const STATUS_OUTPUT_LIMIT: 8;
/** The code ran to its end, but its result does not fit the I/O buffer. */
export const STATUS_TOO_LARGE: 16;
/**
 * The call was refused: a range outside the memory, code longer than the buffer, or an unknown
 * flag.
 */
export const STATUS_BAD_ARGUMENT: 17;
/**
 * The call was refused: there is no machine, as `init` has not been called or has failed, or
 * `deinit` has closed it.
 */
export const STATUS_NOT_INITIALIZED: 18;
/**
 * The call was refused: another call is under way, whose import runs or has thrown an exception
 * through the module.
 */
export const STATUS_BUSY: 19;
/** The call was refused: `program_start` has not made a program, or it has ended. */
export const STATUS_NO_PROGRAM: 20;
/** The serialized result, without the output, if it was too large for the I/O buffer. */
export const PART_VALUES: 1;
/** The whole error message. */
export const PART_MESSAGE: 2;
/** The traceback of the error, as text. */
export const PART_TRACEBACK: 3;
/** The serialized error value, which need not be a string. */
export const PART_ERROR_VALUE: 4;
/** The number (u32) of the host function's exception that caused the error, if one did. */
export const PART_EXCEPTION: 5;
/** The function returned: its results follow. */
export const CALL_RESULTS: 0;
/**
 * The function failed with a message: a number that the host gives to the exception, the message,
 * and the host's own traceback or nil. In Lua, the position of the call is put in front of the
 * message.
 */
export const CALL_ERROR: 1;
/** As `CALL_ERROR`, but the error value itself follows the number. */
export const CALL_THROWN: 2;
/**
 * The function failed because a call of Lua inside it failed: the module raises the same error
 * value again.
 */
export const CALL_AGAIN: 3;
/**
 * Names the keys that rows have in common. The shapes of a request or reply are numbered from 0.
 */
export const OP_SHAPE: 1;
/**
 * All entries of a table, in their order; its metatable is the one with the key `[meta]`. A table
 * that the host does not have is a row of a shape without keys.
 */
export const OP_ROW: 2;
/** An entry. */
export const OP_SET: 3;
/** Deletes an entry; there need not be one. */
export const OP_DELETE: 4;
/** The values of the integer keys from `first` on. */
export const OP_LIST: 5;
/**
 * A table that is asked for in another way, as it is too large for a row, or one of its values is
 * not encoded as a value is.
 */
export const OP_LARGE: 6;
/**
 * A key whose value is asked for by `js_ext_table_get`, as it has more than `BATCH_VALUE_LIMIT`
 * bytes.
 */
export const OP_KEY: 7;
/**
 * In place of a value in an `OP_LIST`: the value has more than `BATCH_VALUE_LIMIT` bytes, or is not
 * encoded as a value is.
 */
export const VALUE_ELSEWHERE: 0xff;
/**
 * Longest value that is part of an `OP_LIST`, or of the `OP_SET` of a page of entries, in bytes.
 */
export const BATCH_VALUE_LIMIT: 1024;
/** The first roots of a new collection. One that is under way is given up. */
export const ROOTS_BEGIN: 0;
/**
 * The first roots of the list that the collection under way has asked for. If there is none, of a
 * new one.
 */
export const ROOTS_AGAIN: 1;
/** More of the list before. */
export const ROOTS_MORE: 2;
/** Everything is freed that was garbage when the collection began. */
export const COLLECT_DONE: 0;
/** The time of the step is over. */
export const COLLECT_PART: 1;
/**
 * The collection goes on with the roots, of which there are none yet, or which may be others than
 * before.
 */
export const COLLECT_ROOTS: 2;
/**
 * What an import returns for a key or table it does not have, a request it does not know, or a
 * failure.
 */
export const REPLY_NONE: -1;
/**
 * `nil`. Assigning nil deletes an entry, so no entry has this tag. If a host stores one, the entry
 * is damaged, see below.
 */
export const TAG_NIL: 0x00;
/** A boolean. */
export const TAG_BOOLEAN: 0x01;
/** An integer of 64 bits. */
export const TAG_INTEGER: 0x02;
/** A float. */
export const TAG_FLOAT: 0x03;
/** A string of any bytes. */
export const TAG_STRING: 0x04;
/**
 * A Lua function stored in an external table: the id of the table that describes it, never 0 or
 * 4294967295.
 */
export const TAG_FUNCTION: 0x05;
/**
 * A function written in C that is a field of the globals or of a library, by name, as `print` or
 * `string.format`. A host function that is the value of a global is stored in this form, by the
 * name of that global; in a result it is a `TAG_HOST_FUNCTION`.
 */
export const TAG_LIBRARY_FUNCTION: 0x06;
/** An external table, by its id, never 0 or 4294967295. */
export const TAG_EXTERNAL_TABLE: 0x07;
/**
 * A table by value: the values of the keys 1 to n, then m other keys, each followed by its value.
 */
export const TAG_TABLE: 0x08;
/** A table by value that has appeared before, by its number. */
export const TAG_SAME_TABLE: 0x09;
/**
 * A value that cannot be encoded (a Lua function, a coroutine, userdata), as `tostring` shows it.
 * The type is the number that Lua's C API gives it: nil 0, boolean 1, light userdata 2, number 3,
 * string 4, table 5, function 6, userdata 7, coroutine 8.
 */
export const TAG_OPAQUE: 0x0a;
/** Only after a result: that result is the last of n, and the others follow. */
export const TAG_MORE_RESULTS: 0x0b;
/**
 * A table of the standard libraries, by name: `_G`, `coroutine`, `debug`, `ext`, `io`, `math`,
 * `os`, `package`, `package.loaded`, `string`, `table` or `utf8`.
 */
export const TAG_LIBRARY: 0x0c;
/**
 * In place of `TAG_OPAQUE` for hosts with the service `call`: a held value, which stays in Lua
 * under this number until `release_value`. The host can send it back; Lua then ignores the type and
 * the text.
 */
export const TAG_REFERENCE: 0x0d;
/** A function of the host, by the number that the host gave it and, if it has one, its name. */
export const TAG_HOST_FUNCTION: 0x0e;
/** The number of each service. */
export const SERVICES: {
  readonly negotiate: 1;
  readonly clock: 2;
  readonly utcOffset: 3;
  readonly entropy: 4;
  readonly output: 5;
  readonly keys: 6;
  readonly closeCursor: 7;
  readonly drop: 8;
  readonly call: 9;
  readonly rest: 10;
  readonly release: 11;
  readonly findFunction: 12;
  readonly module: 13;
  readonly tables: 14;
  readonly failure: 15;
  readonly revision: 16;
  readonly readRows: 17;
  readonly readList: 18;
  readonly writeRows: 19;
  readonly freeIds: 20;
  readonly readEntries: 21;
  readonly roots: 22;
  readonly collect: 23;
};

/** Offset into the module's memory, in bytes. 0 is the null pointer. */
export type Address = number;
/** Number of an external table, from 1 to 4294967294. */
export type TableId = number;
/** How a run of Lua code ended: one of the `STATUS_` constants. */
export type Status = number;
/** A part of the last result: one of the `PART_` constants. */
export type Part = number;

/** Sizes of the module's memory, as `get_memory_stats` writes them. */
export interface MemoryStats {
  /** Bytes of the I/O buffer: always 65536. */
  ioBufferSize: number;
  /** Bytes of the heap in use by Lua, garbage that is not yet collected included. */
  luaMemoryUsed: number;
  /** Pages of 64 KiB of the memory: always 32. */
  wasmPages: number;
}

/** Reads a MemoryStats of 12 bytes from memory. */
export function readMemoryStats(view: DataView, address: Address): MemoryStats;

/** What a host answers to `negotiate`. */
export interface NegotiateReply {
  /** Bit n is set if service n is offered. */
  services: number;
  /**
   * Longest string that a table takes as a value, in bytes, and with it the longest value:
   * `js_ext_table_set` gets at most `VALUE_HEAD` bytes more. Less than `VALUE_LIMIT` holds, too;
   * less than `VALUE_LIMIT_LEAST` counts as that.
   */
  maxValueLen: number;
  /**
   * 1 if the host knows the numbers of the functions that the host before it gave, as the machine
   * was copied along with it; else 0.
   */
  continues: number;
}

/** What a host answers to `clock`. */
export interface ClockReply {
  /** Seconds since the start of 1970 in UTC, with fractions. */
  unixSeconds: number;
  /** Seconds of processor time used, from any starting point. */
  cpuSeconds: number;
}

/** What a host answers to `utcOffset`. */
export interface UtcOffsetReply {
  /** Seconds that local time is ahead; negative west of Greenwich. */
  seconds: number;
}

/** What a host answers to `entropy`. */
export interface EntropyReply {
  /** 64 random bits. */
  low: bigint;
  /** 64 more. */
  high: bigint;
}

/** What a host answers to `keys`. */
export interface KeysReply {
  /** Where the next page begins; 0: there is none. */
  cursor: number;
  /** The keys, joined by line feeds. */
  keys: Uint8Array;
}

/** What a host answers to `rest`. */
export interface RestReply {
  /** The reply, from its first byte on. */
  reply: Uint8Array;
}

/** What a host answers to `findFunction`. */
export interface FindFunctionReply {
  /** The number of the function. */
  number: number;
}

/** What a host answers to `tables`. */
export interface TablesReply {
  /** Where the next page begins; 0: there is none. */
  cursor: number;
  /** The ids, each as a u32. At least one if there is a next page. */
  ids: Uint8Array;
}

/** What a host answers to `failure`. */
export interface FailureReply {
  /** The message, UTF-8. */
  reason: Uint8Array;
}

/** What a host answers to `revision`. */
export interface RevisionReply {
  /** The number. */
  revision: bigint;
}

/** What a host answers to `freeIds`. */
export interface FreeIdsReply {
  /** The first id of the run. */
  first: TableId;
  /**
   * How many ids the run has, at most as many as were asked for; 0: all ids from the first one to
   * 4294967294 have tables.
   */
  count: number;
}

/** What a host answers to `collect`. */
export interface CollectReply {
  /** One of the `COLLECT_` constants; not `COLLECT_ROOTS` if the roots are complete. */
  state: number;
  /** How many tables the collection has freed so far. */
  freed: number;
  /**
   * How many instructions the step costs the program that asks for it; for example, one for each
   * entry that the host has read.
   */
  work: number;
}

/** The services that a host offers: those it has handlers for. Null declines a request. */
export interface Services {
  /**
   * Asks which services the host offers and how large a value its tables take.
   *
   * Sent by `init`. Without an answer, the module asks for no other service and keeps values within
   * `VALUE_LIMIT`. The generated loader answers it from the handlers that it was given.
   *
   * The fields have defaults, so the reply may end after any of them: one of 4 bytes names the
   * services alone. A field that is cut short counts as missing. Services tells what happens if
   * host and module are of different versions.
   *
   * @param abiVersion Version of the boundary that the module was built with.
   */
  negotiate?(abiVersion: number): NegotiateReply | null;
  /**
   * Asks what time it is and how much processor time was used.
   *
   * For `os.time` and `os.clock`. Without it, both give 0.
   */
  clock?(): ClockReply | null;
  /**
   * Asks how far local time is ahead of UTC at an instant.
   *
   * For `os.date` and `os.time` with a table. Without it, local time is UTC.
   *
   * @param unixSeconds The instant, in seconds since the start of 1970 in UTC.
   */
  utcOffset?(unixSeconds: number): UtcOffsetReply | null;
  /**
   * Asks for random bits.
   *
   * For the seed of `math.random`. Without it, every machine starts with the same sequence.
   */
  entropy?(): EntropyReply | null;
  /**
   * Sends output as it comes.
   *
   * What `print` and `io.write` produced, whenever the I/O buffer is full. Output that was handed
   * over is not in the result; what is left at the end of a run is. Without it, output that does
   * not fit the buffer is cut.
   *
   * @param piece The output, as bytes. A character may be split between two calls.
   */
  output?(piece: Uint8Array): void | null;
  /**
   * Asks for a page of a table's keys.
   *
   * For `next` and `pairs`. The host gives keys in the order in which they came, as much as fits,
   * and a cursor for the rest; keys deleted meanwhile may be left out. If not even one key fits, it
   * answers the negated number of bytes needed. Without it, the module takes all keys at once
   * through `js_ext_table_keys`.
   *
   * @param table The table. One that the host does not have is empty.
   * @param cursor Where to go on: 0 for the first page, then what the page before said.
   * @param room How many bytes of `keys` fit. For more, the answer is how many it needs.
   */
  keys?(table: TableId, cursor: number, room: number): KeysReply | null;
  /**
   * Closes a cursor.
   *
   * Sent when a walk ends before the last page. Without it, the host has to close old cursors
   * itself.
   *
   * @param cursor The cursor, as a page of keys gave it.
   */
  closeCursor?(cursor: number): void | null;
  /**
   * Deletes a table with all its entries.
   *
   * Sent for tables that nothing refers to. Without it, the module deletes their keys one by one.
   *
   * @param table The table.
   */
  drop?(table: TableId): void | null;
  /**
   * Calls a function of the host.
   *
   * Lua has got the function as a `TAG_HOST_FUNCTION`. The handler reads all arguments before it
   * calls the function, which may run Lua again. A reply that is longer than its room is kept for
   * the service `rest`, which follows at once; the function is not called twice. A host that offers
   * this also gets `TAG_REFERENCE` where others get `TAG_OPAQUE`. Without it, calling such a
   * function is an error.
   *
   * @param memory The memory of the module.
   * @param requestStart The number of the function (u32), and the arguments as values, one after
   *   another.
   * @param requestEnd Where that ends.
   * @param replyStart One of the `CALL_` constants, and what belongs to it.
   * @param replyEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  call?(
    memory: Uint8Array,
    requestStart: Address,
    requestEnd: Address,
    replyStart: Address,
    replyEnd: Address,
  ): number | null;
  /**
   * Asks for the reply of a host function that was longer than its room.
   *
   * Sent after a `call` that answered with the size of its reply, with enough room for the reply.
   *
   * @param room How many bytes of `reply` fit. For more, the answer is how many it needs.
   */
  rest?(room: number): RestReply | null;
  /**
   * Says that Lua has collected a host function.
   *
   * Without it, the host keeps the function as long as the machine.
   *
   * @param number The number of the function.
   */
  release?(number: number): void | null;
  /**
   * Asks for the number of a function of the host by its name.
   *
   * Sent before a function is called whose number an earlier host gave, as an image of the memory
   * goes on with this one: the function is known by its name alone then. Without an answer, calling
   * it is an error.
   *
   * @param name The name, UTF-8.
   */
  findFunction?(name: Uint8Array): FindFunctionReply | null;
  /**
   * Asks for the source of a module that `require` looks for.
   *
   * Asked after `package.preload`. Without it, `require` finds loaded modules and `package.preload`
   * only.
   *
   * @param memory The memory of the module.
   * @param nameStart The name that was given to `require`.
   * @param nameEnd Where that ends.
   * @param sourceStart Lua source.
   * @param sourceEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  module?(
    memory: Uint8Array,
    nameStart: Address,
    nameEnd: Address,
    sourceStart: Address,
    sourceEnd: Address,
  ): number | null;
  /**
   * Asks for a page of the ids of all tables that the host has.
   *
   * For `ext.collect`, which frees those that nothing reaches. The host lists the ids when it is
   * asked for the first page, and gives a cursor for the rest; a table that is deleted meanwhile
   * may still be listed. Without it, the module asks for the size of each id that it has given.
   *
   * @param cursor Where to go on: 0 for the first page, then what the page before said.
   * @param room How many bytes of `ids` fit. For more, the answer is how many it needs.
   */
  tables?(cursor: number, room: number): TablesReply | null;
  /**
   * Asks why the host failed the last request.
   *
   * Sent before a request for a table that the host failed becomes an error in Lua: the reason is
   * the message of that error. The generated loader's host can so tell a program which of its
   * quotas is used up. Without it, or with an empty reason, the message says what the host failed
   * to do.
   *
   * @param room How many bytes of `reason` fit. For more, the answer is how many it needs.
   */
  failure?(room: number): FailureReply | null;
  /**
   * Asks whether anybody else has changed tables.
   *
   * For modules that keep what they have read of tables from one call to the next. The number is
   * another one whenever anybody but this module has changed tables; the module's own requests do
   * not change it. Each host begins with a random number, so that an image of the memory that goes
   * on with another host does not find its own. Without it, the module reads tables anew in each
   * call.
   */
  revision?(): RevisionReply | null;
  /**
   * Asks for whole tables.
   *
   * The host answers each table in turn with an `OP_ROW`, behind the `OP_SHAPE` that it needs, or
   * with an `OP_LARGE`: as many as there is room for. If there is no room for the first, it answers
   * the negated number of bytes that it needs. Without it, the module asks for keys and entries.
   *
   * @param memory The memory of the module.
   * @param limit A table whose keys and values have more bytes is an `OP_LARGE`.
   * @param idsStart The ids of the tables, each as a u32.
   * @param idsEnd Where that ends.
   * @param opsStart The tables, in the order in which they were asked for.
   * @param opsEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  readRows?(
    memory: Uint8Array,
    limit: number,
    idsStart: Address,
    idsEnd: Address,
    opsStart: Address,
    opsEnd: Address,
  ): number | null;
  /**
   * Asks for values of a list, and the tables that they refer to.
   *
   * The host answers with an `OP_LIST` of as many values as were asked for, or as there is room
   * for. Behind it come the tables that these values refer to by `TAG_EXTERNAL_TABLE`, in their
   * order and each once, as `OP_ROW` with the `OP_SHAPE` that they need: as many as there is room
   * for, without those that are too large. If there is no room for the first value, the host
   * answers the negated number of bytes that it needs. Without it, the module asks for each entry.
   *
   * @param memory The memory of the module.
   * @param table The list. One that the host does not have is empty.
   * @param first The key of the first value.
   * @param count How many values.
   * @param limit A table whose keys and values have more bytes is left out.
   * @param opsStart The values, and then the tables.
   * @param opsEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  readList?(
    memory: Uint8Array,
    table: TableId,
    first: number,
    count: number,
    limit: number,
    opsStart: Address,
    opsEnd: Address,
  ): number | null;
  /**
   * Writes many tables and entries.
   *
   * The host applies each `OP_SHAPE`, `OP_ROW`, `OP_SET` and `OP_DELETE` in turn, each wholly or
   * not at all. A row is all that the table has afterwards; if it has no keys, the table is gone.
   * If the host refuses one, it applies no more, and failure asks for the reason. A host whose
   * tables refuse entries, as with quotas, does not offer this: then the module writes each entry
   * as Lua assigns it, so that the assignment gets the error.
   *
   * @param memory The memory of the module.
   * @param opsStart What is written.
   * @param opsEnd Where that ends.
   * @param replyStart Where the reply goes: `done`.
   * @param replyEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  writeRows?(
    memory: Uint8Array,
    opsStart: Address,
    opsEnd: Address,
    replyStart: Address,
    replyEnd: Address,
  ): number | null;
  /**
   * Asks for ids that no table has.
   *
   * The host looks for the first run of ids that it has no tables for. Without it, the module asks
   * for the size of each id.
   *
   * @param first Where the search begins.
   * @param count How many ids are needed.
   */
  freeIds?(first: TableId, count: number): FreeIdsReply | null;
  /**
   * Asks for a page of a table's entries, and the tables that they refer to.
   *
   * The host gives entries in the order in which they came, as `OP_SET`, or as `OP_KEY` if the
   * value has more than `BATCH_VALUE_LIMIT` bytes: as many as there is room for. Behind them come
   * the tables that they refer to, as with read_list. Cursors are those of keys: entries that are
   * deleted meanwhile may be left out, and close_cursor closes a cursor. If there is no room for
   * the first entry, the host answers the negated number of bytes that it needs; it declines an
   * entry whose key has more than 65535 bytes. Without it, the module asks for keys and entries.
   *
   * @param memory The memory of the module.
   * @param table The table. One that the host does not have is empty.
   * @param cursor Where to go on: 0 for the first page, then what the page before said.
   * @param limit A table whose keys and values have more bytes is left out.
   * @param replyStart Where the reply goes: `cursor` and `ops`.
   * @param replyEnd Where that has to end.
   * @returns Bytes of the reply, or, negated, how many it needs if there is no room for them.
   */
  readEntries?(
    memory: Uint8Array,
    table: TableId,
    cursor: number,
    limit: number,
    replyStart: Address,
    replyEnd: Address,
  ): number | null;
  /**
   * Hands over the ids of tables that are alive in Lua.
   *
   * Sent in front of a request to collect that says so: `_home`, `_io`, the tables and functions
   * that Lua has objects for, the variables of stored functions. There may be many of these
   * requests. An id may come more than once, and the host need not have the table.
   *
   * @param list One of the `ROOTS_` constants.
   * @param ids The ids, each as a u32.
   */
  roots?(list: number, ids: Uint8Array): void | null;
  /**
   * Has the host free the tables that nothing reaches.
   *
   * A table is reached if it is one of the roots, if the host itself keeps it, or if an entry of a
   * reached table refers to it, by `TAG_EXTERNAL_TABLE` or `TAG_FUNCTION`. A host that collects in
   * steps has to see to what happens between them: a table that an entry is written to, and a table
   * that an entry comes to refer to, count as reached; and before it frees anything, it asks for
   * the roots once more by `COLLECT_ROOTS`, as what was read from an entry that is deleted now may
   * be alive in Lua. What is garbage then stays so. A host that fails frees nothing more.
   *
   * Without this and `roots`, the module marks what is reached itself: it reads all keys and
   * entries, and frees tables by `drop`. `ext.collect` then does all at once.
   *
   * @param complete 1 if all roots of this moment have just been handed over, else 0.
   * @param milliseconds After how many milliseconds the step should end, about; 4294967295: it
   *   goes on to its end.
   */
  collect?(complete: number, milliseconds: number): CollectReply | null;
}

/**
 * Where external tables live. A method gets the whole memory of the module, and of each range in it
 * where it starts and where it ends: no view is made for it, as making one costs more than a small
 * value is worth. `memory.subarray(start, end)` is such a view, and `memory.slice(start, end)` a
 * copy to keep; what lies there changes when the method has returned. What methods return is what
 * the imports return.
 */
export interface Host {
  /**
   * Stores a value in an external table.
   *
   * A table that the host does not know yet is created. A key that is there already gets the new
   * value and keeps its place in the order; one that was deleted comes last again.
   *
   * @param tableId Id of the table.
   * @param memory The memory of the module.
   * @param keyStart The key, as UTF-8 text.
   * @param keyEnd Where that ends.
   * @param valStart The serialized value. The host copies it.
   * @param valEnd Where that ends.
   * @returns Whether the value is stored. `0`: It is, with all its bytes. `-1`: It is not, and
   *   the table is as it was; Lua code gets an error.
   */
  set(
    tableId: TableId,
    memory: Uint8Array,
    keyStart: Address,
    keyEnd: Address,
    valStart: Address,
    valEnd: Address,
  ): number;
  /**
   * Fetches a value from an external table.
   *
   * The host copies the serialized value into the buffer. It changes no table, and creates none.
   * With table id 0 it is a request, see Services.
   *
   * @param tableId Id of the table.
   * @param memory The memory of the module.
   * @param keyStart The key, as UTF-8 text.
   * @param keyEnd Where that ends.
   * @param valStart Where the value goes, and how much fits there.
   * @param valEnd Where that ends.
   * @returns Length of the value. `> 0`: Bytes written. `0`: The entry has no bytes, which is no
   *   value: an error in Lua. `-1`: No such key or table, or an error. `-n`: The buffer is too
   *   small; n bytes are needed (n is at least 2).
   */
  get(
    tableId: TableId,
    memory: Uint8Array,
    keyStart: Address,
    keyEnd: Address,
    valStart: Address,
    valEnd: Address,
  ): number;
  /**
   * Deletes a key from an external table.
   *
   * The module calls it when Lua code assigns `nil`. Deleting an absent key is no error. All other
   * entries stay as they are, and in their order.
   *
   * @param tableId Id of the table.
   * @param memory The memory of the module.
   * @param keyStart The key, as UTF-8 text.
   * @param keyEnd Where that ends.
   * @returns Whether the key is gone. `0`: It is. `-1`: It is not; Lua code gets an error.
   */
  delete(tableId: TableId, memory: Uint8Array, keyStart: Address, keyEnd: Address): number;
  /**
   * Counts the entries of an external table.
   *
   * A table that the host does not know has none.
   *
   * @param tableId Id of the table.
   * @returns Number of entries. `0 or more`: Number of entries. `< 0`: An error; Lua code gets
   *   one.
   */
  size(tableId: TableId): number;
  /**
   * Lists the keys of an external table.
   *
   * The host writes all keys in the order in which they were first set, separated by single line
   * feeds (`\n`), without one at the end.
   *
   * @param tableId Id of the table.
   * @param memory The memory of the module.
   * @param bufStart Where the keys go, and how much fits there.
   * @param bufEnd Where that ends.
   * @returns Length of the list. `> 0`: Bytes written. `0`: The table has no keys. `-1`: An
   *   error, or the buffer is too small. `-n`: The buffer is too small; n bytes are needed (n is at
   *   least 2).
   */
  keys(tableId: TableId, memory: Uint8Array, bufStart: Address, bufEnd: Address): number;
  /** The services that the host offers. */
  services?: Services;
  /** Longest value that its tables take, in bytes; `VALUE_LIMIT` if it does not say. */
  maxValueLength?: number;
  /** Whether it knows the numbers of functions that the host before it gave to the machine. */
  continues?: boolean;
}

/** The exports as WebAssembly has them. Unsigned results may be negative here. */
export interface RawExports {
  readonly memory: WasmMemory;
  init(): number;
  deinit(): void;
  compute(code_ptr: Address, code_len: number): number;
  eval(code_len: number): number;
  execute(
    code_ptr: Address,
    code_len: number,
    name_ptr: Address,
    name_len: number,
    flags: number,
  ): number;
  program_start(
    code_ptr: Address,
    code_len: number,
    name_ptr: Address,
    name_len: number,
    flags: number,
  ): number;
  program_step(ticks: number): number;
  program_resume(values_ptr: Address, values_len: number, ticks: number): number;
  program_state(): number;
  program_ticks(): number;
  get_status(): Status;
  result_size(part: Part): number;
  result_read(part: Part, offset: number, out_ptr: Address, out_len: number): number;
  call_function(values_ptr: Address, values_len: number): number;
  get_global(path_ptr: Address, path_len: number): number;
  set_global(values_ptr: Address, values_len: number): number;
  release_value(number: number): void;
  set_limits(instructions: number, milliseconds: number, output_bytes: number): void;
  get_buffer_ptr(): Address;
  get_buffer_size(): number;
  get_memory_stats(stats_ptr: Address): void;
  get_heap_size(): number;
  set_heap_limit(bytes: number): void;
  run_gc(): void;
  lua_alloc(ud: Address, ptr: Address, osize: number, nsize: number): Address;
  attach_memory_table(table_id: TableId): void;
  get_memory_table_id(): TableId;
  sync_external_table_counter(next_id: TableId): void;
  set_memory_alias_enabled(enabled: number): void;
  get_io_table_id(): TableId;
  clear_io_table(): number;
  get_external_table_counter(): TableId;
  ext_table_new(): TableId;
  ext_table_set(
    table_id: TableId,
    key_ptr: Address,
    key_len: number,
    val_ptr: Address,
    val_len: number,
  ): number;
  ext_table_get(
    table_id: TableId,
    key_ptr: Address,
    key_len: number,
    val_ptr: Address,
    val_len: number,
  ): number;
  ext_table_delete(table_id: TableId, key_ptr: Address, key_len: number): number;
  ext_table_size(table_id: TableId): number;
  ext_table_keys(table_id: TableId, buffer_ptr: Address, buffer_len: number): number;
}

/** A module at work: its exports as methods, and views of its memory, which never grows. */
export class LuaInstance {
  constructor(instance: WasmInstance, takeThrown?: () => Thrown | null);
  /** The instance itself. */
  readonly instance: WasmInstance;
  /** Its exports. */
  readonly exports: RawExports;
  /** Its memory, as bytes. */
  readonly bytes: Uint8Array;
  /** Its memory, as numbers. */
  readonly view: DataView;
  /** Gives the last exception that a method of the host threw, and forgets it. */
  readonly takeThrown: () => Thrown | null;

  /**
   * Starts the Lua machine.
   *
   * `(func (export "init") (result i32))`
   *
   * @returns Whether the machine runs. `0`: It runs. `-1`: The Lua state could not be created.
   */
  init(): number;

  /**
   * Closes the Lua machine and frees its memory.
   *
   * `(func (export "deinit"))`
   */
  deinit(): void;

  /**
   * Runs Lua code as a chunk and leaves its result in the I/O buffer.
   *
   * `(func (export "compute") (param i32 i32) (result i32))`
   *
   * @param codePtr UTF-8 source of the chunk, anywhere in memory; usually at the start of the I/O
   *   buffer.
   * @param codeLen Bytes at `codePtr`.
   * @returns Length of what is in the I/O buffer. `> 0`: Success: bytes of the result. `0`: The
   *   code is empty. `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
   */
  compute(codePtr: Address, codeLen: number): number;

  /**
   * Runs the Lua code at the start of the I/O buffer as an interactive console does.
   *
   * `(func (export "eval") (param i32) (result i32))`
   *
   * @param codeLen Bytes of code at the start of the I/O buffer.
   * @returns Length of what is in the I/O buffer, as from `compute`. `> 0`: Success: bytes of the
   *   result. `0`: The code is empty. `< 0`: Failure: `-(length + 1)`, with the length of the
   *   message in bytes.
   */
  eval(codeLen: number): number;

  /**
   * Runs Lua code of any length, with a name for messages and a choice of mode.
   *
   * `(func (export "execute") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param codePtr UTF-8 source of the chunk, anywhere in memory.
   * @param codeLen Bytes at `codePtr`.
   * @param namePtr Name of the chunk, or nothing.
   * @param nameLen Bytes at `namePtr`.
   * @param flags 0, or `EXECUTE_CONSOLE` to run the code as `eval` does, or `EXECUTE_ARGUMENTS`,
   *   or both.
   * @returns Length of what is in the I/O buffer, as from `compute`. `> 0`: Success: bytes of the
   *   result. `0`: The code is empty. `< 0`: Failure: `-(length + 1)`, with the length of the
   *   message in bytes.
   */
  execute(
    codePtr: Address,
    codeLen: number,
    namePtr: Address,
    nameLen: number,
    flags: number,
  ): number;

  /**
   * Compiles Lua code as a program that `program_step` runs, a piece at a time.
   *
   * `(func (export "program_start") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param codePtr UTF-8 source of the program, of any length.
   * @param codeLen Bytes at `codePtr`.
   * @param namePtr Name of the program, as for `execute`.
   * @param nameLen Bytes at `namePtr`.
   * @param flags 0, or `EXECUTE_CONSOLE`, or `EXECUTE_ARGUMENTS`, or both, as for `execute`.
   * @returns Whether there is a program now. `0`: There is; it has not begun. `< 0`: Failure: as
   *   for `compute`.
   */
  programStart(
    codePtr: Address,
    codeLen: number,
    namePtr: Address,
    nameLen: number,
    flags: number,
  ): number;

  /**
   * Runs the program of `program_start` for some time.
   *
   * `(func (export "program_step") (param i32) (result i32))`
   *
   * @param ticks How many ticks; 0: until the program ends.
   * @returns Length of what is in the I/O buffer, as for `compute`. `> 0`: The program has ended,
   *   and this is its result; or, if the status is `STATUS_PAUSED`, what it has printed in this
   *   step, and what it has yielded: nil, if the ticks were used up. `< 0`: The program has failed.
   */
  programStep(ticks: number): number;

  /**
   * Runs the program of `program_start` for some time, with values for it.
   *
   * `(func (export "program_resume") (param i32 i32 i32) (result i32))`
   *
   * @param valuesPtr Serialized values, one after another; none: as `program_step`.
   * @param valuesLen Bytes at `valuesPtr`.
   * @param ticks How many ticks; 0: until the program ends.
   * @returns As for `program_step`.
   */
  programResume(valuesPtr: Address, valuesLen: number, ticks: number): number;

  /**
   * Gets whether there is a program, and whether it waits in a yield.
   *
   * `(func (export "program_state") (result i32))`
   *
   * @returns One of the `PROGRAM_` constants.
   */
  programState(): number;

  /**
   * Gets how many ticks the last step has run.
   *
   * `(func (export "program_ticks") (result i32))`
   *
   * @returns The number of ticks.
   */
  programTicks(): number;

  /**
   * Gets how the last run of Lua code ended.
   *
   * `(func (export "get_status") (result i32))`
   *
   * @returns One of the `STATUS_` constants. `0`: `STATUS_OK`, also before the first run.
   *   `other`: See Constants.
   */
  getStatus(): Status;

  /**
   * Gets the size of a part of the last result.
   *
   * `(func (export "result_size") (param i32) (result i32))`
   *
   * @param part Which part: one of the `PART_` constants.
   * @returns Its size in bytes. `0 or more`: Bytes of the part. `-1`: The last result has no such
   *   part.
   */
  resultSize(part: Part): number;

  /**
   * Copies bytes of a part of the last result into memory.
   *
   * `(func (export "result_read") (param i32 i32 i32 i32) (result i32))`
   *
   * @param part Which part: one of the `PART_` constants.
   * @param offset Where to start in the part, in bytes.
   * @param outPtr Where to copy to, usually the I/O buffer, and how much fits there.
   * @param outLen Room at `outPtr`, in bytes.
   * @returns Number of bytes copied. `> 0`: Bytes copied. `0`: The offset is at the end or past
   *   it. `-1`: No such part, or a range that does not lie in memory.
   */
  resultRead(part: Part, offset: number, outPtr: Address, outLen: number): number;

  /**
   * Calls a Lua function with arguments.
   *
   * `(func (export "call_function") (param i32 i32) (result i32))`
   *
   * @param valuesPtr The function and its arguments, anywhere in memory; usually at the start of
   *   the I/O buffer.
   * @param valuesLen Bytes at `valuesPtr`.
   * @returns Length of what is in the I/O buffer, as from `compute`. `> 0`: Success: bytes of the
   *   result. `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
   */
  callFunction(valuesPtr: Address, valuesLen: number): number;

  /**
   * Reads a global variable.
   *
   * `(func (export "get_global") (param i32 i32) (result i32))`
   *
   * @param pathPtr The path, UTF-8.
   * @param pathLen Bytes at `pathPtr`.
   * @returns Length of what is in the I/O buffer, as from `compute`. `> 0`: Success: bytes of the
   *   result. `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
   */
  getGlobal(pathPtr: Address, pathLen: number): number;

  /**
   * Sets a global variable.
   *
   * `(func (export "set_global") (param i32 i32) (result i32))`
   *
   * @param valuesPtr The path and the value, anywhere in memory.
   * @param valuesLen Bytes at `valuesPtr`.
   * @returns Length of what is in the I/O buffer, as from `compute`. `> 0`: Success: the result
   *   is nil. `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
   */
  setGlobal(valuesPtr: Address, valuesLen: number): number;

  /**
   * Releases a held value.
   *
   * `(func (export "release_value") (param i32))`
   *
   * @param number The number of the reference.
   */
  releaseValue(number: number): void;

  /**
   * Limits what each call of Lua may use.
   *
   * `(func (export "set_limits") (param i32 i32 i32))`
   *
   * @param instructions How many instructions; 0: no limit.
   * @param milliseconds How much time, by the service `clock`; 0: no limit.
   * @param outputBytes How many bytes of output; 0: no limit.
   */
  setLimits(instructions: number, milliseconds: number, outputBytes: number): void;

  /**
   * Gets the address of the I/O buffer.
   *
   * `(func (export "get_buffer_ptr") (result i32))`
   *
   * @returns Address of the first byte of the I/O buffer.
   */
  getBufferPtr(): Address;

  /**
   * Gets the size of the I/O buffer.
   *
   * `(func (export "get_buffer_size") (result i32))`
   *
   * @returns Bytes of the I/O buffer. `65536`: Always.
   */
  getBufferSize(): number;

  /**
   * Writes the sizes of the module's memory to a structure.
   *
   * `(func (export "get_memory_stats") (param i32))`
   *
   * @param statsPtr Address of 12 bytes that receive the structure.
   */
  getMemoryStats(statsPtr: Address): MemoryStats;

  /**
   * Gets the size of the heap.
   *
   * `(func (export "get_heap_size") (result i32))`
   *
   * @returns Bytes of the heap.
   */
  getHeapSize(): number;

  /**
   * Limits the heap of machines that `init` makes from now on.
   *
   * `(func (export "set_heap_limit") (param i32))`
   *
   * @param bytes Bytes of the heap. 0, or more than there are: all that there are. Less than
   *   `HEAP_LEAST` counts as that.
   */
  setHeapLimit(bytes: number): void;

  /**
   * Collects all garbage.
   *
   * `(func (export "run_gc"))`
   */
  runGc(): void;

  /**
   * Allocates, resizes or frees memory of the heap, as Lua's own allocator does.
   *
   * `(func (export "lua_alloc") (param i32 i32 i32 i32) (result i32))`
   *
   * @param ud Ignored; 0.
   * @param ptr Block to resize or free, or 0 to allocate.
   * @param osize Ignored; the module knows the size of its blocks.
   * @param nsize Bytes wanted, or 0 to free.
   * @returns The block. `not 0`: Address of the block, aligned to 8. `0`: Freed, or the heap has
   *   no room; a block that could not be resized is unchanged.
   */
  luaAlloc(ud: Address, ptr: Address, osize: number, nsize: number): Address;

  /**
   * Makes an external table the global `_home`.
   *
   * `(func (export "attach_memory_table") (param i32))`
   *
   * @param tableId Id of the table.
   */
  attachMemoryTable(tableId: TableId): void;

  /**
   * Gets the id of the table that is the global `_home`.
   *
   * `(func (export "get_memory_table_id") (result i32))`
   *
   * @returns The id. `> 0`: Id of the table. `0`: The machine has not been started.
   */
  getMemoryTableId(): TableId;

  /**
   * Makes sure that new external tables get ids from a number on.
   *
   * `(func (export "sync_external_table_counter") (param i32))`
   *
   * @param nextId The lowest id that a new table may get.
   */
  syncExternalTableCounter(nextId: TableId): void;

  /**
   * Chooses whether `_home` is also the global `Memory`.
   *
   * `(func (export "set_memory_alias_enabled") (param i32))`
   *
   * @param enabled 0 to disable, anything else to enable.
   */
  setMemoryAliasEnabled(enabled: number): void;

  /**
   * Gets the id of the table that is the global `_io`.
   *
   * `(func (export "get_io_table_id") (result i32))`
   *
   * @returns The id. `> 0`: Id of the table. `0`: The machine has not been started.
   */
  getIoTableId(): TableId;

  /**
   * Removes every entry of `_io`.
   *
   * `(func (export "clear_io_table") (result i32))`
   *
   * @returns Whether the table is empty now. `0`: It is. `-1`: The machine does not run, or the
   *   host failed to delete an entry.
   */
  clearIoTable(): number;

  /**
   * Gets the id that the next new external table will have.
   *
   * `(func (export "get_external_table_counter") (result i32))`
   *
   * @returns The id. `> 0`: Greater than the id of any table that the module has made or seen.
   */
  getExternalTableCounter(): TableId;

  /**
   * Makes a new external table.
   *
   * `(func (export "ext_table_new") (result i32))`
   *
   * @returns The id. `> 0`: Id of the new table. `0`: The machine does not run, or all ids are
   *   used.
   */
  extTableNew(): TableId;

  /**
   * Sets an entry of an external table.
   *
   * `(func (export "ext_table_set") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param tableId The table.
   * @param keyPtr The key, in the form that keys have.
   * @param keyLen Bytes at `keyPtr`.
   * @param valPtr The serialized value.
   * @param valLen Bytes at `valPtr`.
   * @returns Whether the entry is set. `0`: It is. `-1`: It is not, and nothing has changed.
   */
  extTableSet(
    tableId: TableId,
    keyPtr: Address,
    keyLen: number,
    valPtr: Address,
    valLen: number,
  ): number;

  /**
   * Reads an entry of an external table.
   *
   * `(func (export "ext_table_get") (param i32 i32 i32 i32 i32) (result i32))`
   *
   * @param tableId The table.
   * @param keyPtr The key, in the form that keys have.
   * @param keyLen Bytes at `keyPtr`.
   * @param valPtr Room for the serialized value.
   * @param valLen Room at `valPtr`, in bytes.
   * @returns Length of the value. `> 0`: Bytes written. `-1`: There is no such entry, or the host
   *   failed. `< -1`: The room is too small; the negated value is the number of bytes needed, if
   *   the host tells it.
   */
  extTableGet(
    tableId: TableId,
    keyPtr: Address,
    keyLen: number,
    valPtr: Address,
    valLen: number,
  ): number;

  /**
   * Deletes an entry of an external table.
   *
   * `(func (export "ext_table_delete") (param i32 i32 i32) (result i32))`
   *
   * @param tableId The table.
   * @param keyPtr The key, in the form that keys have.
   * @param keyLen Bytes at `keyPtr`.
   * @returns Whether the entry is gone. `0`: It is. `-1`: The machine does not run, the id is 0,
   *   or the host failed.
   */
  extTableDelete(tableId: TableId, keyPtr: Address, keyLen: number): number;

  /**
   * Counts the entries of an external table.
   *
   * `(func (export "ext_table_size") (param i32) (result i32))`
   *
   * @param tableId The table.
   * @returns The number of entries. `>= 0`: Entries; 0 also for a table that the host does not
   *   have. `-1`: The machine does not run, the id is 0, or the host failed.
   */
  extTableSize(tableId: TableId): number;

  /**
   * Lists the keys of an external table.
   *
   * `(func (export "ext_table_keys") (param i32 i32 i32) (result i32))`
   *
   * @param tableId The table.
   * @param bufferPtr Room for the keys.
   * @param bufferLen Room at `bufferPtr`, in bytes.
   * @returns Length of the list. `>= 0`: Bytes written. `-1`: The machine does not run, the id is
   *   0, the host failed, or the room is too small. `< -1`: The room is too small; the negated
   *   value is the number of bytes needed, if the host tells it.
   */
  extTableKeys(tableId: TableId, bufferPtr: Address, bufferLen: number): number;
}

/** An exception that a method of the host threw. */
export interface Thrown {
  readonly error: unknown;
}

/** What a module says about itself. */
export interface Stamp {
  /** Version of the boundary. */
  abiVersion: number;
  /** Release of the Lua inside, as 5.4.9. */
  luaRelease: string;
  /** Hash of the manifest it was built from. */
  manifestHash: string;
  /** Which build it is: equal for two modules only if they were linked to the same bytes. */
  build: string;
}

/** Module and loader do not fit, or the module could not be fetched. */
export class AbiError extends Error {}

/** `WebAssembly.Module`, where the compiler knows it, from a library of the platform as `dom`. */
export type WasmModule = typeof globalThis extends {
  WebAssembly: { Module: { prototype: infer Module } };
}
  ? Module & object
  : object;

/** `WebAssembly.Instance`, where the compiler knows it. */
export type WasmInstance = typeof globalThis extends {
  WebAssembly: { Instance: { prototype: infer Instance } };
}
  ? Instance
  : { readonly exports: Record<string, any> };

/** `WebAssembly.Memory`, where the compiler knows it. */
export type WasmMemory = typeof globalThis extends {
  WebAssembly: { Memory: { prototype: infer Memory } };
}
  ? Memory
  : { readonly buffer: ArrayBuffer };

/** `WebAssembly.Table`, where the compiler knows it. */
export type WasmTable = typeof globalThis extends {
  WebAssembly: { Table: { prototype: infer Table } };
}
  ? Table
  : { get(index: number): any };

/** What modules import, by the names of the module and the value. */
export type WasmImports = Record<string, Record<string, any>>;

/** `Response`, where the compiler knows it. */
export type PlatformResponse = typeof globalThis extends {
  Response: { prototype: infer Response };
}
  ? Response
  : never;

/** `URL`, where the compiler knows it. */
export type PlatformURL = typeof globalThis extends {
  URL: { prototype: infer URL };
}
  ? URL
  : never;

/** What a module can be made from: itself, its bytes, or a response with them. */
export type Source = WasmModule | ArrayBuffer | ArrayBufferView | PlatformResponse;

/** Options of `instantiate`. */
export interface InstantiateOptions {
  /** Import modules beside the one that the loader makes. */
  imports?: WasmImports;
}

/** Makes the import object for a host, and the way to what its methods throw. */
export function createImports(
  host: Host,
  getMemory: () => WasmMemory,
): { imports: WasmImports; takeThrown: () => Thrown | null };

/** Makes the two imports of a module whose Lua errors unwind by JavaScript exceptions. */
export function createUnwinding(getTable: () => WasmTable): {
  lua_try(index: number, state: number, data: number): void;
  lua_throw(): never;
};

/** Compiles a module, from a response as it arrives. */
export function compile(source: Source | Promise<Source>): Promise<WasmModule>;

/** Reads what a module says about itself; null if it says nothing. */
export function identify(module: WasmModule): Stamp | null;

/** Throws an `AbiError` if a module does not have this boundary. */
export function check(module: WasmModule): void;

/** Compiles a module, checks that it fits, and brings it to life with a host; `init` starts Lua. */
export function instantiate(
  source: Source | Promise<Source>,
  host: Host,
  options?: InstantiateOptions,
): Promise<LuaInstance>;

/** As `instantiate`, at once. Some browsers refuse this on a page's main thread. */
export function instantiateSync(
  module: WasmModule,
  host: Host,
  options?: InstantiateOptions,
): LuaInstance;
