//! The module's boundary, typed: its constants, its exports, the imports that a host answers, and
//! the requests of services with their replies. The reference of the exports describes each at
//! length.
//!
//! Generated from exports.toml by `cargo xtask generate`; edit that instead.

use wasmtime::{AsContextMut, Caller, Instance, Linker, Memory, Result, TypedFunc};

use crate::boundary::{self, Range};

/// Version of the boundary.
pub const ABI_VERSION: u32 = 2;
/// Equal for two builds exactly if they agree on every call.
pub const MANIFEST_HASH: u64 = 0x2c5693a4275190d3;
/// The table id that marks a request to the host.
pub const SERVICE_TABLE: u32 = 0;
/// The custom section in which a module says what it is.
pub const SECTION: &str = "lua-persistent";
/// Pages of the memory, minimum and maximum: 2 MiB.
pub const MEMORY_PAGES: u32 = 32;
/// Bytes in a page.
pub const WASM_PAGE_SIZE: u32 = 65_536;
/// Bytes of the I/O buffer.
pub const IO_BUFFER_SIZE: u32 = 65_536;
/// An error message in the I/O buffer takes fewer bytes than this.
pub const ERROR_LIMIT: u32 = 200;
/// Longest string that can be a key of an external table, in bytes. In its form each byte takes up
/// to four, so that a host sees keys of up to 65540 bytes.
pub const KEY_LIMIT: u32 = 16_384;
/// Longest string that an external table takes as a value, in bytes, unless the host negotiates
/// another length. Its encoding has a tag and a length in front: `VALUE_HEAD` bytes more.
pub const VALUE_LIMIT: u32 = 16_384;
/// The least that a host can negotiate: every value but a string fits, with `VALUE_HEAD` bytes
/// more.
pub const VALUE_LIMIT_LEAST: u32 = 64;
/// Bytes of a string's encoding in front of its own. So a host with nothing negotiated gets values
/// of up to 16389 bytes.
pub const VALUE_HEAD: u32 = 5;
/// The least that `set_heap_limit` can give a machine: it can load the libraries, run small scripts
/// and report their errors.
pub const HEAP_LEAST: u32 = 131_072;
/// Flag of `execute`: run the code as `eval` does, as an interactive console.
pub const EXECUTE_CONSOLE: u32 = 1;
/// Flag of `execute`: pass the elements of the global table `arg`, from 1 on, to the code as its
/// `...`.
pub const EXECUTE_ARGUMENTS: u32 = 2;
/// There is no program, or it has ended.
pub const PROGRAM_NONE: u32 = 0;
/// There is a program, which has not begun, or has used up the ticks of a step.
pub const PROGRAM_PAUSED: u32 = 1;
/// The program waits in `coroutine.yield`, which returns what `program_resume` hands over.
pub const PROGRAM_YIELDED: u32 = 2;
/// The code ran to its end.
pub const STATUS_OK: i32 = 0;
/// The program that is run in steps is paused: `program_step` goes on with it.
pub const STATUS_PAUSED: i32 = 1;
/// The code raised an error.
pub const STATUS_RUNTIME_ERROR: i32 = 2;
/// The code is not Lua, or is a binary chunk.
pub const STATUS_SYNTAX_ERROR: i32 = 3;
/// The heap was full.
pub const STATUS_MEMORY_ERROR: i32 = 4;
/// An error occurred while another was being handled.
pub const STATUS_HANDLER_ERROR: i32 = 5;
/// The code was stopped: it ran as many instructions as `set_limits` allows.
pub const STATUS_INSTRUCTION_LIMIT: i32 = 6;
/// The code was stopped: it ran as long as `set_limits` allows.
pub const STATUS_TIME_LIMIT: i32 = 7;
/// The code was stopped: it printed as much as `set_limits` allows.
pub const STATUS_OUTPUT_LIMIT: i32 = 8;
/// The code ran to its end, but its result does not fit the I/O buffer.
pub const STATUS_TOO_LARGE: i32 = 16;
/// The call was refused: a range outside the memory, code longer than the buffer, or an unknown
/// flag.
pub const STATUS_BAD_ARGUMENT: i32 = 17;
/// The call was refused: there is no machine, as `init` has not been called or has failed, or
/// `deinit` has closed it.
pub const STATUS_NOT_INITIALIZED: i32 = 18;
/// The call was refused: another call is under way, whose import runs or has thrown an exception
/// through the module.
pub const STATUS_BUSY: i32 = 19;
/// The call was refused: `program_start` has not made a program, or it has ended.
pub const STATUS_NO_PROGRAM: i32 = 20;
/// The serialized result, without the output, if it was too large for the I/O buffer.
///
/// What follows it: results: results.
pub const PART_VALUES: u32 = 1;
/// The whole error message.
///
/// What follows it: message: bytes of UTF-8, to the end.
pub const PART_MESSAGE: u32 = 2;
/// The traceback of the error, as text.
///
/// What follows it: traceback: bytes of UTF-8, to the end.
pub const PART_TRACEBACK: u32 = 3;
/// The serialized error value, which need not be a string.
///
/// What follows it: error: value.
pub const PART_ERROR_VALUE: u32 = 4;
/// The number (u32) of the host function's exception that caused the error, if one did.
///
/// What follows it: exception: `u32`.
pub const PART_EXCEPTION: u32 = 5;
/// The function returned: its results follow.
///
/// What follows it: results: values, to the end.
pub const CALL_RESULTS: u8 = 0;
/// The function failed with a message: a number that the host gives to the exception, the message,
/// and the host's own traceback or nil. In Lua, the position of the call is put in front of the
/// message.
///
/// What follows it: exception: `u32`, message: value, traceback: value (`TAG_STRING` or `TAG_NIL`).
pub const CALL_ERROR: u8 = 1;
/// As `CALL_ERROR`, but the error value itself follows the number.
///
/// What follows it: exception: `u32`, error: value, traceback: value (`TAG_STRING` or `TAG_NIL`).
pub const CALL_THROWN: u8 = 2;
/// The function failed because a call of Lua inside it failed: the module raises the same error
/// value again.
///
/// What follows it: nothing.
pub const CALL_AGAIN: u8 = 3;
/// Names the keys that rows have in common. The shapes of a request or reply are numbered from 0.
///
/// What follows it: n: `u16`, keys: n key_texts.
pub const OP_SHAPE: u8 = 1;
/// All entries of a table, in their order; its metatable is the one with the key `[meta]`. A table
/// that the host does not have is a row of a shape without keys.
///
/// What follows it: table: `u32`, shape: `u16`, length: `u32`, values: length bytes.
pub const OP_ROW: u8 = 2;
/// An entry.
///
/// What follows it: table: `u32`, key length: `u16`, value length: `u32`, key: key_length bytes of
/// UTF-8, value: value_length bytes.
pub const OP_SET: u8 = 3;
/// Deletes an entry; there need not be one.
///
/// What follows it: table: `u32`, key length: `u16`, key: key_length bytes of UTF-8.
pub const OP_DELETE: u8 = 4;
/// The values of the integer keys from `first` on.
///
/// What follows it: table: `u32`, first: `u32`, n: `u32`, length: `u32`, values: length bytes.
pub const OP_LIST: u8 = 5;
/// A table that is asked for in another way, as it is too large for a row, or one of its values is
/// not encoded as a value is.
///
/// What follows it: table: `u32`, entries: `u32`.
pub const OP_LARGE: u8 = 6;
/// A key whose value is asked for by `js_ext_table_get`, as it has more than `BATCH_VALUE_LIMIT`
/// bytes.
///
/// What follows it: table: `u32`, key length: `u16`, key: key_length bytes of UTF-8.
pub const OP_KEY: u8 = 7;
/// In place of a value in an `OP_LIST`: the value has more than `BATCH_VALUE_LIMIT` bytes, or is
/// not encoded as a value is.
pub const VALUE_ELSEWHERE: u8 = 0xFF;
/// Longest value that is part of an `OP_LIST`, or of the `OP_SET` of a page of entries, in bytes.
pub const BATCH_VALUE_LIMIT: u32 = 1024;
/// The first roots of a new collection. One that is under way is given up.
pub const ROOTS_BEGIN: u32 = 0;
/// The first roots of the list that the collection under way has asked for. If there is none, of a
/// new one.
pub const ROOTS_AGAIN: u32 = 1;
/// More of the list before.
pub const ROOTS_MORE: u32 = 2;
/// Everything is freed that was garbage when the collection began.
pub const COLLECT_DONE: u32 = 0;
/// The time of the step is over.
pub const COLLECT_PART: u32 = 1;
/// The collection goes on with the roots, of which there are none yet, or which may be others than
/// before.
pub const COLLECT_ROOTS: u32 = 2;
/// What an import returns for a key or table it does not have, a request it does not know, or a
/// failure.
pub const REPLY_NONE: i32 = -1;
/// `nil`. Assigning nil deletes an entry, so no entry has this tag. If a host stores one, the entry
/// is damaged, see below.
///
/// What follows it: nothing.
pub const TAG_NIL: u8 = 0x00;
/// A boolean.
///
/// What follows it: truth: `u8` (0 to 1).
pub const TAG_BOOLEAN: u8 = 0x01;
/// An integer of 64 bits.
///
/// What follows it: number: `i64`.
pub const TAG_INTEGER: u8 = 0x02;
/// A float.
///
/// What follows it: number: `f64`.
pub const TAG_FLOAT: u8 = 0x03;
/// A string of any bytes.
///
/// What follows it: length: `u32`, string: length bytes.
pub const TAG_STRING: u8 = 0x04;
/// A Lua function stored in an external table: the id of the table that describes it, never 0 or
/// 4294967295.
///
/// What follows it: length: `u32` (4), id: `u32` (1 to 4294967294).
pub const TAG_FUNCTION: u8 = 0x05;
/// A function written in C that is a field of the globals or of a library, by name, as `print` or
/// `string.format`. A host function that is the value of a global is stored in this form, by the
/// name of that global; in a result it is a `TAG_HOST_FUNCTION`.
///
/// What follows it: length: `u32`, name: length bytes.
pub const TAG_LIBRARY_FUNCTION: u8 = 0x06;
/// An external table, by its id, never 0 or 4294967295.
///
/// What follows it: id: `u32` (1 to 4294967294).
pub const TAG_EXTERNAL_TABLE: u8 = 0x07;
/// A table by value: the values of the keys 1 to n, then m other keys, each followed by its value.
///
/// What follows it: n: `u32`, m: `u32`, elements: n values, pairs: m pairs.
pub const TAG_TABLE: u8 = 0x08;
/// A table by value that has appeared before, by its number.
///
/// What follows it: number: `u32` of a `TAG_TABLE`, from 0.
pub const TAG_SAME_TABLE: u8 = 0x09;
/// A value that cannot be encoded (a Lua function, a coroutine, userdata), as `tostring` shows it.
/// The type is the number that Lua's C API gives it: nil 0, boolean 1, light userdata 2, number 3,
/// string 4, table 5, function 6, userdata 7, coroutine 8.
///
/// What follows it: lua type: `u8` (0 to 8), length: `u32`, text: length bytes.
pub const TAG_OPAQUE: u8 = 0x0A;
/// Only after a result: that result is the last of n, and the others follow.
///
/// What follows it: n: `u32` (at least 2), others: n - 1 values.
pub const TAG_MORE_RESULTS: u8 = 0x0B;
/// A table of the standard libraries, by name: `_G`, `coroutine`, `debug`, `ext`, `io`, `math`,
/// `os`, `package`, `package.loaded`, `string`, `table` or `utf8`.
///
/// What follows it: length: `u32`, name: length bytes.
pub const TAG_LIBRARY: u8 = 0x0C;
/// In place of `TAG_OPAQUE` for hosts with the service `call`: a held value, which stays in Lua
/// under this number until `release_value`. The host can send it back; Lua then ignores the type
/// and the text.
///
/// What follows it: lua type: `u8` (0 to 8), number: `u32`, length: `u32`, text: length bytes.
pub const TAG_REFERENCE: u8 = 0x0D;
/// A function of the host, by the number that the host gave it and, if it has one, its name.
///
/// What follows it: number: `u32`, length: `u32`, name: length bytes.
pub const TAG_HOST_FUNCTION: u8 = 0x0E;

/// A tag of an encoded value, and where it may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its name in the reference.
    pub name: &'static str,
    /// The byte.
    pub tag: u8,
    /// In what Lua returns, raises, or passes to a function of the host.
    pub result: bool,
    /// In what the host passes to Lua.
    pub argument: bool,
    /// As the value of an external table's entry.
    pub entry: bool,
    /// As an entry that the host makes by an export.
    pub host_entry: bool,
}

/// Every tag.
pub const TAGS: [Tag; 15] = [
    Tag {
        name: "TAG_NIL",
        tag: TAG_NIL,
        result: true,
        argument: true,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_BOOLEAN",
        tag: TAG_BOOLEAN,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_INTEGER",
        tag: TAG_INTEGER,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_FLOAT",
        tag: TAG_FLOAT,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_STRING",
        tag: TAG_STRING,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_FUNCTION",
        tag: TAG_FUNCTION,
        result: false,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_LIBRARY_FUNCTION",
        tag: TAG_LIBRARY_FUNCTION,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_EXTERNAL_TABLE",
        tag: TAG_EXTERNAL_TABLE,
        result: true,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_TABLE",
        tag: TAG_TABLE,
        result: true,
        argument: true,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_SAME_TABLE",
        tag: TAG_SAME_TABLE,
        result: true,
        argument: true,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_OPAQUE",
        tag: TAG_OPAQUE,
        result: true,
        argument: false,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_MORE_RESULTS",
        tag: TAG_MORE_RESULTS,
        result: true,
        argument: false,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_LIBRARY",
        tag: TAG_LIBRARY,
        result: false,
        argument: true,
        entry: true,
        host_entry: true,
    },
    Tag {
        name: "TAG_REFERENCE",
        tag: TAG_REFERENCE,
        result: true,
        argument: true,
        entry: false,
        host_entry: false,
    },
    Tag {
        name: "TAG_HOST_FUNCTION",
        tag: TAG_HOST_FUNCTION,
        result: true,
        argument: true,
        entry: false,
        host_entry: false,
    },
];

/// Why a call is refused before any of it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name in the manifest.
    pub name: &'static str,
    /// The status of the call.
    pub status: i32,
    /// What was wrong, and what would be right.
    pub message: &'static str,
    /// The exports that refuse a call so.
    pub exports: &'static [&'static str],
}

/// Every refusal.
pub const REFUSALS: [Refusal; 15] = [
    // The machine does not run: `init` has not been called or has failed, or `deinit` has closed
    // it.
    Refusal {
        name: "NOT_RUNNING",
        status: STATUS_NOT_INITIALIZED,
        message: "the machine does not run: call init first",
        exports: &[
            "compute",
            "eval",
            "execute",
            "program_start",
            "program_step",
            "program_resume",
            "call_function",
            "get_global",
            "set_global",
            "release_value",
            "run_gc",
            "lua_alloc",
            "attach_memory_table",
            "clear_io_table",
            "ext_table_new",
            "ext_table_set",
            "ext_table_get",
            "ext_table_delete",
            "ext_table_size",
            "ext_table_keys",
        ],
    },
    // Another call is under way: its import runs, or has thrown an exception through the module.
    Refusal {
        name: "BUSY",
        status: STATUS_BUSY,
        message: "another call is under way: its import runs, or has thrown an exception through the module, which leaves the machine unusable: make a new instance",
        exports: &[
            "compute",
            "eval",
            "execute",
            "program_start",
            "program_step",
            "program_resume",
            "call_function",
            "get_global",
            "set_global",
        ],
    },
    // A host function, which may call the other exports that run Lua, starts or steps a program.
    Refusal {
        name: "BUSY_FUNCTION",
        status: STATUS_BUSY,
        message: "a host function cannot start or step a program",
        exports: &[
            "program_start",
            "program_step",
            "program_resume",
        ],
    },
    // An import runs, whatever called it: Lua code, a finalizer or the module itself.
    Refusal {
        name: "WITHIN_IMPORT",
        status: STATUS_BUSY,
        message: "this cannot be done within an import: the call that is under way needs the machine as it is",
        exports: &[
            "init",
            "deinit",
            "run_gc",
            "release_value",
            "attach_memory_table",
            "clear_io_table",
            "ext_table_set",
            "ext_table_get",
            "ext_table_delete",
            "ext_table_size",
        ],
    },
    // A host function, which may call the exports that run Lua, closes the machine.
    Refusal {
        name: "CLOSE_FUNCTION",
        status: STATUS_BUSY,
        message: "a host function cannot close the machine that called it",
        exports: &[
            "deinit",
        ],
    },
    // A range does not lie in memory; nothing is read or written.
    Refusal {
        name: "BAD_RANGE",
        status: STATUS_BAD_ARGUMENT,
        message: "a range does not lie in the module\'s memory",
        exports: &[
            "compute",
            "execute",
            "program_start",
            "program_resume",
            "call_function",
            "get_global",
            "set_global",
            "get_memory_stats",
            "ext_table_set",
            "ext_table_get",
            "ext_table_delete",
            "ext_table_keys",
        ],
    },
    // `code_len` is more than 65536.
    Refusal {
        name: "TOO_LONG",
        status: STATUS_BAD_ARGUMENT,
        message: "the code has more than the 65536 bytes of the I/O buffer: use execute",
        exports: &[
            "compute",
            "eval",
        ],
    },
    // A bit of `flags` is not one of the `EXECUTE_` constants.
    Refusal {
        name: "UNKNOWN_FLAG",
        status: STATUS_BAD_ARGUMENT,
        message: "a flag is unknown: the flags are EXECUTE_CONSOLE and EXECUTE_ARGUMENTS",
        exports: &[
            "execute",
            "program_start",
        ],
    },
    // There is no program: `program_start` has not made one, or it has ended.
    Refusal {
        name: "NO_PROGRAM",
        status: STATUS_NO_PROGRAM,
        message: "there is no program to step: start one first",
        exports: &[
            "program_step",
            "program_resume",
        ],
    },
    // There are values, but the program is paused, and not by a yield.
    Refusal {
        name: "NO_YIELD",
        status: STATUS_BAD_ARGUMENT,
        message: "the program is paused, but not by a yield: it takes no values",
        exports: &[
            "program_resume",
        ],
    },
    // `table_id` is 0.
    Refusal {
        name: "NO_TABLE",
        status: STATUS_BAD_ARGUMENT,
        message: "0 is the id of no external table",
        exports: &[
            "attach_memory_table",
            "ext_table_set",
            "ext_table_get",
            "ext_table_delete",
            "ext_table_size",
            "ext_table_keys",
        ],
    },
    // The key has not the form that keys have, or is too long.
    Refusal {
        name: "BAD_KEY",
        status: STATUS_BAD_ARGUMENT,
        message: "the key has not the form that keys have, see \"Keys\" in the reference",
        exports: &[
            "ext_table_set",
            "ext_table_get",
        ],
    },
    // The value is not one that an entry can have.
    Refusal {
        name: "BAD_VALUE",
        status: STATUS_BAD_ARGUMENT,
        message: "the value is not one that an entry can have, see \"Value Encoding\" in the reference",
        exports: &[
            "ext_table_set",
        ],
    },
    // The value is longer than the host takes by its answer to negotiate.
    Refusal {
        name: "LONG_VALUE",
        status: STATUS_BAD_ARGUMENT,
        message: "the value is longer than the host takes, see max_value_len",
        exports: &[
            "ext_table_set",
        ],
    },
    // The Lua state could not be created.
    Refusal {
        name: "NO_MEMORY",
        status: STATUS_MEMORY_ERROR,
        message: "the Lua state could not be created: the heap is too small",
        exports: &[
            "init",
        ],
    },
];

/// Sizes of the module's memory, as `get_memory_stats` writes them. The sizes at the moment of the
/// call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MemoryStats {
    /// Bytes of the I/O buffer: always 65536.
    pub io_buffer_size: u32,
    /// Bytes of the heap in use by Lua, garbage that is not yet collected included.
    pub lua_memory_used: u32,
    /// Pages of 64 KiB of the memory: always 32.
    pub wasm_pages: u32,
}

impl MemoryStats {
    /// Bytes of one.
    pub const SIZE: usize = 12;

    /// Reads one from its bytes; `None` if there are not enough.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        Some(Self {
            io_buffer_size: u32::from_le_bytes(*bytes.first_chunk()?),
            lua_memory_used: u32::from_le_bytes(*bytes.get(4..)?.first_chunk()?),
            wasm_pages: u32::from_le_bytes(*bytes.get(8..)?.first_chunk()?),
        })
    }
}

/// The exports of an instance. A call ends with an error of wasmtime if the code in the module traps, or an import of
/// the host does: the instance is of no more use then.
#[derive(Clone)]
pub struct Exports {
    /// The memory.
    pub memory: Memory,
    init: TypedFunc<(), i32>,
    deinit: TypedFunc<(), ()>,
    compute: TypedFunc<(u32, u32), i32>,
    eval: TypedFunc<u32, i32>,
    execute: TypedFunc<(u32, u32, u32, u32, u32), i32>,
    program_start: TypedFunc<(u32, u32, u32, u32, u32), i32>,
    program_step: TypedFunc<u32, i32>,
    program_resume: TypedFunc<(u32, u32, u32), i32>,
    program_state: TypedFunc<(), u32>,
    program_ticks: TypedFunc<(), u32>,
    get_status: TypedFunc<(), i32>,
    result_size: TypedFunc<u32, i32>,
    result_read: TypedFunc<(u32, u32, u32, u32), i32>,
    call_function: TypedFunc<(u32, u32), i32>,
    get_global: TypedFunc<(u32, u32), i32>,
    set_global: TypedFunc<(u32, u32), i32>,
    release_value: TypedFunc<u32, ()>,
    set_limits: TypedFunc<(u32, u32, u32), ()>,
    get_buffer_ptr: TypedFunc<(), u32>,
    get_buffer_size: TypedFunc<(), u32>,
    get_memory_stats: TypedFunc<u32, ()>,
    get_heap_size: TypedFunc<(), u32>,
    set_heap_limit: TypedFunc<u32, ()>,
    run_gc: TypedFunc<(), ()>,
    lua_alloc: TypedFunc<(u32, u32, u32, u32), u32>,
    attach_memory_table: TypedFunc<u32, ()>,
    get_memory_table_id: TypedFunc<(), u32>,
    sync_external_table_counter: TypedFunc<u32, ()>,
    set_memory_alias_enabled: TypedFunc<i32, ()>,
    get_io_table_id: TypedFunc<(), u32>,
    clear_io_table: TypedFunc<(), i32>,
    get_external_table_counter: TypedFunc<(), u32>,
    ext_table_new: TypedFunc<(), u32>,
    ext_table_set: TypedFunc<(u32, u32, u32, u32, u32), i32>,
    ext_table_get: TypedFunc<(u32, u32, u32, u32, u32), i32>,
    ext_table_delete: TypedFunc<(u32, u32, u32), i32>,
    ext_table_size: TypedFunc<u32, i32>,
    ext_table_keys: TypedFunc<(u32, u32, u32), i32>,
}

impl Exports {
    /// Every function that there is, by name.
    pub const NAMES: [&'static str; 38] = [
        "init",
        "deinit",
        "compute",
        "eval",
        "execute",
        "program_start",
        "program_step",
        "program_resume",
        "program_state",
        "program_ticks",
        "get_status",
        "result_size",
        "result_read",
        "call_function",
        "get_global",
        "set_global",
        "release_value",
        "set_limits",
        "get_buffer_ptr",
        "get_buffer_size",
        "get_memory_stats",
        "get_heap_size",
        "set_heap_limit",
        "run_gc",
        "lua_alloc",
        "attach_memory_table",
        "get_memory_table_id",
        "sync_external_table_counter",
        "set_memory_alias_enabled",
        "get_io_table_id",
        "clear_io_table",
        "get_external_table_counter",
        "ext_table_new",
        "ext_table_set",
        "ext_table_get",
        "ext_table_delete",
        "ext_table_size",
        "ext_table_keys",
    ];

    /// Finds the exports of an instance.
    ///
    /// # Errors
    ///
    /// If one is missing, or has another type.
    pub fn new(mut store: impl AsContextMut, instance: &Instance) -> Result<Self> {
        Ok(Self {
            memory: boundary::memory(&mut store, instance, "memory")?,
            init: instance.get_typed_func(&mut store, "init")?,
            deinit: instance.get_typed_func(&mut store, "deinit")?,
            compute: instance.get_typed_func(&mut store, "compute")?,
            eval: instance.get_typed_func(&mut store, "eval")?,
            execute: instance.get_typed_func(&mut store, "execute")?,
            program_start: instance.get_typed_func(&mut store, "program_start")?,
            program_step: instance.get_typed_func(&mut store, "program_step")?,
            program_resume: instance.get_typed_func(&mut store, "program_resume")?,
            program_state: instance.get_typed_func(&mut store, "program_state")?,
            program_ticks: instance.get_typed_func(&mut store, "program_ticks")?,
            get_status: instance.get_typed_func(&mut store, "get_status")?,
            result_size: instance.get_typed_func(&mut store, "result_size")?,
            result_read: instance.get_typed_func(&mut store, "result_read")?,
            call_function: instance.get_typed_func(&mut store, "call_function")?,
            get_global: instance.get_typed_func(&mut store, "get_global")?,
            set_global: instance.get_typed_func(&mut store, "set_global")?,
            release_value: instance.get_typed_func(&mut store, "release_value")?,
            set_limits: instance.get_typed_func(&mut store, "set_limits")?,
            get_buffer_ptr: instance.get_typed_func(&mut store, "get_buffer_ptr")?,
            get_buffer_size: instance.get_typed_func(&mut store, "get_buffer_size")?,
            get_memory_stats: instance.get_typed_func(&mut store, "get_memory_stats")?,
            get_heap_size: instance.get_typed_func(&mut store, "get_heap_size")?,
            set_heap_limit: instance.get_typed_func(&mut store, "set_heap_limit")?,
            run_gc: instance.get_typed_func(&mut store, "run_gc")?,
            lua_alloc: instance.get_typed_func(&mut store, "lua_alloc")?,
            attach_memory_table: instance.get_typed_func(&mut store, "attach_memory_table")?,
            get_memory_table_id: instance.get_typed_func(&mut store, "get_memory_table_id")?,
            sync_external_table_counter: instance
                .get_typed_func(&mut store, "sync_external_table_counter")?,
            set_memory_alias_enabled: instance
                .get_typed_func(&mut store, "set_memory_alias_enabled")?,
            get_io_table_id: instance.get_typed_func(&mut store, "get_io_table_id")?,
            clear_io_table: instance.get_typed_func(&mut store, "clear_io_table")?,
            get_external_table_counter: instance
                .get_typed_func(&mut store, "get_external_table_counter")?,
            ext_table_new: instance.get_typed_func(&mut store, "ext_table_new")?,
            ext_table_set: instance.get_typed_func(&mut store, "ext_table_set")?,
            ext_table_get: instance.get_typed_func(&mut store, "ext_table_get")?,
            ext_table_delete: instance.get_typed_func(&mut store, "ext_table_delete")?,
            ext_table_size: instance.get_typed_func(&mut store, "ext_table_size")?,
            ext_table_keys: instance.get_typed_func(&mut store, "ext_table_keys")?,
        })
    }

    /// Starts the Lua machine.
    ///
    /// Creates the Lua state and makes it ready for code:
    ///
    /// 1. Lua's memory comes from the module's own heap, through `lua_alloc`.
    /// 2. All standard libraries are open; files and processes answer as on a system that has none.
    /// 3. `print` and `io.write` are captured for the result.
    /// 4. External tables are there: `ext`, `_home` (and its alias `Memory`, see `set_memory_alias_enabled`) and `_io`.
    ///
    /// Returns: Whether the machine runs.
    ///
    /// - `0`: It runs.
    /// - `-1`: The Lua state could not be created.
    ///
    /// # Errors
    ///
    /// - The machine already runs: Applies the alias, asks the host again which services it offers, and returns 0.
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - The Lua state could not be created: refused with `STATUS_MEMORY_ERROR`
    pub fn init(&self, store: impl AsContextMut) -> Result<i32> {
        self.init.call(store, ())
    }

    /// Closes the Lua machine and frees its memory.
    ///
    /// Closes the Lua state: pending to-be-closed variables are closed, finalizers run, everything
    /// on the heap is freed. What is in external tables stays with the host. Afterwards `init` may
    /// be called again.
    ///
    /// # Errors
    ///
    /// - The machine does not run: Nothing happens.
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - A host function, which may call the exports that run Lua, closes the machine: refused with `STATUS_BUSY`
    pub fn deinit(&self, store: impl AsContextMut) -> Result<()> {
        self.deinit.call(store, ())
    }

    /// Runs Lua code as a chunk and leaves its result in the I/O buffer.
    ///
    /// Compiles the code as Lua compiles a chunk, runs it, and writes what it printed and returned
    /// to the start of the I/O buffer, in the format described under Result Format. Only source
    /// text is accepted; a binary chunk is a syntax error.
    ///
    /// - `code_ptr`, `code_len`: UTF-8 source of the chunk, anywhere in memory; usually at the start of the I/O buffer.
    ///
    /// Returns: Length of what is in the I/O buffer.
    ///
    /// - `> 0`: Success: bytes of the result.
    /// - `0`: The code is empty.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - `code_len` is 0: Returns 0.
    /// - The code does not compile: Returns a negative value; the message has the line number.
    /// - The code raises an error: Returns a negative value; the message is the error value as text.
    /// - The heap is full: Returns a negative value; the next call can use the memory again.
    /// - The result does not fit the buffer: Returns a negative value; the message gives the size, and `result_read` the result.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - `code_len` is more than 65536: refused with `STATUS_BAD_ARGUMENT`
    pub fn compute(&self, store: impl AsContextMut, code_ptr: u32, code_len: u32) -> Result<i32> {
        self.compute.call(store, (code_ptr, code_len))
    }

    /// Runs the Lua code at the start of the I/O buffer as an interactive console does.
    ///
    /// Like `compute`, but the code is treated as a line typed at a console:
    ///
    /// - An expression yields its value: `1 + 1` gives 2.
    /// - A chunk that returns nothing yields the value of the last top-level local that it declared: `local x = 5 + 3` gives 8.
    /// - Top-level locals stay visible to later calls of `eval`.
    ///
    /// - `code_len`: Bytes of code at the start of the I/O buffer.
    ///
    /// Returns: Length of what is in the I/O buffer, as from `compute`.
    ///
    /// - `> 0`: Success: bytes of the result.
    /// - `0`: The code is empty.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - `code_len` is 0: Returns 0.
    /// - Anything else: As `compute`.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - `code_len` is more than 65536: refused with `STATUS_BAD_ARGUMENT`
    pub fn eval(&self, store: impl AsContextMut, code_len: u32) -> Result<i32> {
        self.eval.call(store, code_len)
    }

    /// Runs Lua code of any length, with a name for messages and a choice of mode.
    ///
    /// Like `compute`, for code that is longer than the I/O buffer or that should be known by a
    /// name. The name is what messages and tracebacks show, in Lua's own notation: `=name` is shown
    /// as it is, `@file` as a file name; with an empty name the code itself serves.
    ///
    /// - `code_ptr`, `code_len`: UTF-8 source of the chunk, anywhere in memory.
    /// - `name_ptr`, `name_len`: Name of the chunk, or nothing.
    /// - `flags`: 0, or `EXECUTE_CONSOLE` to run the code as `eval` does, or `EXECUTE_ARGUMENTS`, or both.
    ///
    /// Returns: Length of what is in the I/O buffer, as from `compute`.
    ///
    /// - `> 0`: Success: bytes of the result.
    /// - `0`: The code is empty.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - Anything else: As `compute`, but without a limit on `code_len`.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - A bit of `flags` is not one of the `EXECUTE_` constants: refused with `STATUS_BAD_ARGUMENT`
    pub fn execute(
        &self,
        store: impl AsContextMut,
        code_ptr: u32,
        code_len: u32,
        name_ptr: u32,
        name_len: u32,
        flags: u32,
    ) -> Result<i32> {
        self.execute.call(store, (code_ptr, code_len, name_ptr, name_len, flags))
    }

    /// Compiles Lua code as a program that `program_step` runs, a piece at a time.
    ///
    /// The program takes the place of the one before. It is part of the machine: between two steps,
    /// other code can run, and an image of the memory holds the program as it stands.
    ///
    /// - `code_ptr`, `code_len`: UTF-8 source of the program, of any length.
    /// - `name_ptr`, `name_len`: Name of the program, as for `execute`.
    /// - `flags`: 0, or `EXECUTE_CONSOLE`, or `EXECUTE_ARGUMENTS`, or both, as for `execute`.
    ///
    /// Returns: Whether there is a program now.
    ///
    /// - `0`: There is; it has not begun.
    /// - `< 0`: Failure: as for `compute`.
    ///
    /// # Errors
    ///
    /// - The code does not compile: Returns a negative value; the message has the line number.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A host function, which may call the other exports that run Lua, starts or steps a program: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - A bit of `flags` is not one of the `EXECUTE_` constants: refused with `STATUS_BAD_ARGUMENT`
    pub fn program_start(
        &self,
        store: impl AsContextMut,
        code_ptr: u32,
        code_len: u32,
        name_ptr: u32,
        name_len: u32,
        flags: u32,
    ) -> Result<i32> {
        self.program_start.call(store, (code_ptr, code_len, name_ptr, name_len, flags))
    }

    /// Runs the program of `program_start` for some time.
    ///
    /// Time is counted in ticks: each round of a loop and each call of a Lua function is one. When
    /// the ticks are used up, the program pauses at the next place where it can: not inside a C
    /// function that calls back into Lua (a comparator of `table.sort`, a metamethod, a coroutine
    /// that the program resumed), so that a step may run longer; `program_ticks` tells. A program
    /// that calls `coroutine.yield` outside of a coroutine of its own pauses, too, and what it
    /// passes is the result of the step; `program_resume` gives it values back.
    ///
    /// - `ticks`: How many ticks; 0: until the program ends.
    ///
    /// Returns: Length of what is in the I/O buffer, as for `compute`.
    ///
    /// - `> 0`: The program has ended, and this is its result; or, if the status is `STATUS_PAUSED`, what it has printed in this step, and what it has yielded: nil, if the ticks were used up.
    /// - `< 0`: The program has failed.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A host function, which may call the other exports that run Lua, starts or steps a program: refused with `STATUS_BUSY`
    /// - There is no program: `program_start` has not made one, or it has ended: refused with `STATUS_NO_PROGRAM`
    pub fn program_step(&self, store: impl AsContextMut, ticks: u32) -> Result<i32> {
        self.program_step.call(store, ticks)
    }

    /// Runs the program of `program_start` for some time, with values for it.
    ///
    /// As `program_step`, but the `coroutine.yield` that the program waits in returns the values.
    /// If the program has not begun, they are arguments of it, behind those that `program_start`
    /// has given it.
    ///
    /// - `values_ptr`, `values_len`: Serialized values, one after another; none: as `program_step`.
    /// - `ticks`: How many ticks; 0: until the program ends.
    ///
    /// Returns: As for `program_step`.
    ///
    /// # Errors
    ///
    /// - The bytes are no encoded values: Returns a negative value, as for `compute`; the program does not change.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A host function, which may call the other exports that run Lua, starts or steps a program: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - There is no program: `program_start` has not made one, or it has ended: refused with `STATUS_NO_PROGRAM`
    /// - There are values, but the program is paused, and not by a yield: refused with `STATUS_BAD_ARGUMENT`
    pub fn program_resume(
        &self,
        store: impl AsContextMut,
        values_ptr: u32,
        values_len: u32,
        ticks: u32,
    ) -> Result<i32> {
        self.program_resume.call(store, (values_ptr, values_len, ticks))
    }

    /// Gets whether there is a program, and whether it waits in a yield.
    ///
    /// Tells whether a step that returned a negative value, or whose result did not fit the I/O
    /// buffer, was the last one.
    ///
    /// Returns: One of the `PROGRAM_` constants.
    pub fn program_state(&self, store: impl AsContextMut) -> Result<u32> {
        self.program_state.call(store, ())
    }

    /// Gets how many ticks the last step has run.
    ///
    /// More than the step was given if the program could not pause earlier.
    ///
    /// Returns: The number of ticks.
    pub fn program_ticks(&self, store: impl AsContextMut) -> Result<u32> {
        self.program_ticks.call(store, ())
    }

    /// Gets how the last run of Lua code ended.
    ///
    /// Distinguishes the kinds of failure, which the exports all report as a negative value.
    ///
    /// Returns: One of the `STATUS_` constants.
    ///
    /// - `0`: `STATUS_OK`, also before the first run.
    /// - `other`: See Constants.
    pub fn get_status(&self, store: impl AsContextMut) -> Result<i32> {
        self.get_status.call(store, ())
    }

    /// Gets the size of a part of the last result.
    ///
    /// The I/O buffer holds a result up to its own size and an error message of fewer than 200
    /// bytes. What does not fit is kept whole, in parts, until the next run.
    ///
    /// - `part`: Which part: one of the `PART_` constants.
    ///
    /// Returns: Its size in bytes.
    ///
    /// - `0 or more`: Bytes of the part.
    /// - `-1`: The last result has no such part.
    ///
    /// # Errors
    ///
    /// - The part is unknown, or the last run did not leave it: Returns -1.
    pub fn result_size(&self, store: impl AsContextMut, part: u32) -> Result<i32> {
        self.result_size.call(store, part)
    }

    /// Copies bytes of a part of the last result into memory.
    ///
    /// Copies bytes from an offset, as many as the range and the part have, so that a host can read
    /// a part of any size in pieces.
    ///
    /// - `part`: Which part: one of the `PART_` constants.
    /// - `offset`: Where to start in the part, in bytes.
    /// - `out_ptr`, `out_len`: Where to copy to, usually the I/O buffer, and how much fits there.
    ///
    /// Returns: Number of bytes copied.
    ///
    /// - `> 0`: Bytes copied.
    /// - `0`: The offset is at the end or past it.
    /// - `-1`: No such part, or a range that does not lie in memory.
    ///
    /// # Errors
    ///
    /// - The last result has no such part: Returns -1; nothing is written.
    pub fn result_read(
        &self,
        store: impl AsContextMut,
        part: u32,
        offset: u32,
        out_ptr: u32,
        out_len: u32,
    ) -> Result<i32> {
        self.result_read.call(store, (part, offset, out_ptr, out_len))
    }

    /// Calls a Lua function with arguments.
    ///
    /// The values are, one after another, the function and its arguments, encoded as in results.
    /// The function is a value that can be called (`TAG_REFERENCE`, `TAG_FUNCTION`,
    /// `TAG_LIBRARY_FUNCTION`), or a string: the name of a global, or a path of fields from one, as
    /// `string.format`. The results are left as those of `compute`.
    ///
    /// - `values_ptr`, `values_len`: The function and its arguments, anywhere in memory; usually at the start of the I/O buffer.
    ///
    /// Returns: Length of what is in the I/O buffer, as from `compute`.
    ///
    /// - `> 0`: Success: bytes of the result.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - There is no such function, or it raises an error: Returns `-(length + 1)` with the message in the buffer.
    /// - The bytes are no values: The same; the message says which byte is wrong.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    pub fn call_function(
        &self,
        store: impl AsContextMut,
        values_ptr: u32,
        values_len: u32,
    ) -> Result<i32> {
        self.call_function.call(store, (values_ptr, values_len))
    }

    /// Reads a global variable.
    ///
    /// Leaves the value of a global, or of a path of fields (`config.colours`), as `compute` leaves
    /// a result.
    ///
    /// - `path_ptr`, `path_len`: The path, UTF-8.
    ///
    /// Returns: Length of what is in the I/O buffer, as from `compute`.
    ///
    /// - `> 0`: Success: bytes of the result.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - A part of the path before the last is nothing that has fields: Returns `-(length + 1)` with the message in the buffer.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    pub fn get_global(
        &self,
        store: impl AsContextMut,
        path_ptr: u32,
        path_len: u32,
    ) -> Result<i32> {
        self.get_global.call(store, (path_ptr, path_len))
    }

    /// Sets a global variable.
    ///
    /// The values are a string, which is the name of a global or a path of fields from one, and
    /// what it is set to. Every field of the path but the last has to exist.
    ///
    /// - `values_ptr`, `values_len`: The path and the value, anywhere in memory.
    ///
    /// Returns: Length of what is in the I/O buffer, as from `compute`.
    ///
    /// - `> 0`: Success: the result is nil.
    /// - `< 0`: Failure: `-(length + 1)`, with the length of the message in bytes.
    ///
    /// # Errors
    ///
    /// - A part of the path before the last is nothing that has fields: Returns `-(length + 1)` with the message in the buffer.
    /// - The bytes are not two values: The same; the message says what is wrong.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - Another call is under way: its import runs, or has thrown an exception through the module: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    pub fn set_global(
        &self,
        store: impl AsContextMut,
        values_ptr: u32,
        values_len: u32,
    ) -> Result<i32> {
        self.set_global.call(store, (values_ptr, values_len))
    }

    /// Releases a held value.
    ///
    /// Lua keeps every value that it has sent as a `TAG_REFERENCE` until this call, however often
    /// it was sent.
    ///
    /// - `number`: The number of the reference.
    ///
    /// # Errors
    ///
    /// - There is no such reference: Nothing happens.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    pub fn release_value(&self, store: impl AsContextMut, number: u32) -> Result<()> {
        self.release_value.call(store, number)
    }

    /// Limits what each call of Lua may use.
    ///
    /// From the next call on, code that goes beyond a limit gets an error that it cannot catch for
    /// good, and the call fails with the status that tells which limit it was. An instruction here
    /// is a round of a loop or a call of a Lua function. Calls inside a host function share what
    /// the outermost call may use.
    ///
    /// - `instructions`: How many instructions; 0: no limit.
    /// - `milliseconds`: How much time, by the service `clock`; 0: no limit.
    /// - `output_bytes`: How many bytes of output; 0: no limit.
    pub fn set_limits(
        &self,
        store: impl AsContextMut,
        instructions: u32,
        milliseconds: u32,
        output_bytes: u32,
    ) -> Result<()> {
        self.set_limits.call(store, (instructions, milliseconds, output_bytes))
    }

    /// Gets the address of the I/O buffer.
    ///
    /// The I/O buffer is 64 KiB of the module's memory through which code goes in and results come
    /// out. It also serves as room for whatever a caller wants the module to write, as in
    /// `get_memory_stats`.
    ///
    /// Returns: Address of the first byte of the I/O buffer.
    pub fn get_buffer_ptr(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_buffer_ptr.call(store, ())
    }

    /// Gets the size of the I/O buffer.
    ///
    /// The size bounds the code that `compute` and `eval` take, and the result that they leave.
    /// Keys and values of external tables are bounded by a quarter of it, 16 KiB, unless the host
    /// negotiates more.
    ///
    /// Returns: Bytes of the I/O buffer.
    ///
    /// - `65536`: Always.
    pub fn get_buffer_size(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_buffer_size.call(store, ())
    }

    /// Writes the sizes of the module's memory to a structure.
    ///
    /// Writes a MemoryStats of 12 bytes. The figures are those of the moment.
    ///
    /// - `stats_ptr`: Address of 12 bytes that receive the structure.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `lua_memory_used` is 0.
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    pub fn get_memory_stats(&self, store: impl AsContextMut, stats_ptr: u32) -> Result<()> {
        self.get_memory_stats.call(store, stats_ptr)
    }

    /// Gets the size of the heap.
    ///
    /// The part of the memory that Lua and `lua_alloc` can use: all but static data and the stack,
    /// unless `set_heap_limit` has given the machine less.
    ///
    /// Returns: Bytes of the heap.
    pub fn get_heap_size(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_heap_size.call(store, ())
    }

    /// Limits the heap of machines that `init` makes from now on.
    ///
    /// Memory beyond it is not used; when the heap is full, a script gets the error `not enough
    /// memory`, as at the end of the memory. A machine that is there keeps its heap, and so does an
    /// image of it.
    ///
    /// - `bytes`: Bytes of the heap. 0, or more than there are: all that there are. Less than `HEAP_LEAST` counts as that.
    pub fn set_heap_limit(&self, store: impl AsContextMut, bytes: u32) -> Result<()> {
        self.set_heap_limit.call(store, bytes)
    }

    /// Collects all garbage.
    ///
    /// Runs a full cycle of Lua's collector, as `collectgarbage()` does. Finalizers run; an error
    /// in one becomes a warning.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    pub fn run_gc(&self, store: impl AsContextMut) -> Result<()> {
        self.run_gc.call(store, ())
    }

    /// Allocates, resizes or frees memory of the heap, as Lua's own allocator does.
    ///
    /// The allocator behind the Lua state, with the contract of `lua_Alloc`:
    ///
    /// - `ptr` is 0 and `nsize` is not: allocates `nsize` bytes.
    /// - `nsize` is 0: frees `ptr` and returns 0.
    /// - Neither is 0: resizes, moving the contents if it has to.
    ///
    /// - `ud`: Ignored; 0.
    /// - `ptr`: Block to resize or free, or 0 to allocate.
    /// - `osize`: Ignored; the module knows the size of its blocks.
    /// - `nsize`: Bytes wanted, or 0 to free.
    ///
    /// Returns: The block.
    ///
    /// - `not 0`: Address of the block, aligned to 8.
    /// - `0`: Freed, or the heap has no room; a block that could not be resized is unchanged.
    ///
    /// # Errors
    ///
    /// - The heap has no room: Returns 0.
    /// - `ptr` is not a live block of this heap: Nothing changes; returns 0.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    pub fn lua_alloc(
        &self,
        store: impl AsContextMut,
        ud: u32,
        ptr: u32,
        osize: u32,
        nsize: u32,
    ) -> Result<u32> {
        self.lua_alloc.call(store, (ud, ptr, osize, nsize))
    }

    /// Makes an external table the global `_home`.
    ///
    /// For restoring state: the host has the tables back, and names the one that was `_home`.
    ///
    /// 1. The table with that id becomes the global `_home`.
    /// 2. With the alias enabled, it becomes the global `Memory` too.
    /// 3. `get_memory_table_id` returns the id from now on.
    /// 4. New tables get ids above it.
    ///
    /// - `table_id`: Id of the table.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    pub fn attach_memory_table(&self, store: impl AsContextMut, table_id: u32) -> Result<()> {
        self.attach_memory_table.call(store, table_id)
    }

    /// Gets the id of the table that is the global `_home`.
    ///
    /// The id is set by `init`, which makes a table with id 1, and by `attach_memory_table`.
    ///
    /// Returns: The id.
    ///
    /// - `> 0`: Id of the table.
    /// - `0`: The machine has not been started.
    pub fn get_memory_table_id(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_memory_table_id.call(store, ())
    }

    /// Makes sure that new external tables get ids from a number on.
    ///
    /// For restoring state: the counter says where the search for the id of a new table begins.
    /// What the host has is passed over, so a counter that is too low costs time, and never makes
    /// two tables one: a table without entries that something refers to has the entry `[meta]` with
    /// the value false, so that the host has it, too. The counter only ever increases; at the end
    /// of all ids it begins again, and ids that are free are given again.
    ///
    /// - `next_id`: The lowest id that a new table may get.
    ///
    /// # Errors
    ///
    /// - `next_id` is not above the counter: Nothing happens.
    pub fn sync_external_table_counter(
        &self,
        store: impl AsContextMut,
        next_id: u32,
    ) -> Result<()> {
        self.sync_external_table_counter.call(store, next_id)
    }

    /// Chooses whether `_home` is also the global `Memory`.
    ///
    /// Enabled, which is the default, both globals name the same table. Disabled, only `_home`
    /// does. The choice takes effect at the next `init` or `attach_memory_table`.
    ///
    /// - `enabled`: 0 to disable, anything else to enable.
    pub fn set_memory_alias_enabled(&self, store: impl AsContextMut, enabled: i32) -> Result<()> {
        self.set_memory_alias_enabled.call(store, enabled)
    }

    /// Gets the id of the table that is the global `_io`.
    ///
    /// `_io` is an external table in which a host and Lua code exchange the input, output and
    /// metadata of one run.
    ///
    /// Returns: The id.
    ///
    /// - `> 0`: Id of the table.
    /// - `0`: The machine has not been started.
    pub fn get_io_table_id(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_io_table_id.call(store, ())
    }

    /// Removes every entry of `_io`.
    ///
    /// Deletes the entries one by one through `js_ext_table_delete`, so that the next run starts
    /// with an empty `_io`.
    ///
    /// Returns: Whether the table is empty now.
    ///
    /// - `0`: It is.
    /// - `-1`: The machine does not run, or the host failed to delete an entry.
    ///
    /// # Errors
    ///
    /// - The host fails: Returns -1; entries not yet deleted remain.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    pub fn clear_io_table(&self, store: impl AsContextMut) -> Result<i32> {
        self.clear_io_table.call(store, ())
    }

    /// Gets the id that the next new external table will have.
    ///
    /// A host can store it with the tables, and pass it to `sync_external_table_counter` when it
    /// restores them.
    ///
    /// Returns: The id.
    ///
    /// - `> 0`: Greater than the id of any table that the module has made or seen.
    pub fn get_external_table_counter(&self, store: impl AsContextMut) -> Result<u32> {
        self.get_external_table_counter.call(store, ())
    }

    /// Makes a new external table.
    ///
    /// Reserves an id, as `ext.table()` does in Lua. The host sees the table when its first entry
    /// is set.
    ///
    /// Returns: The id.
    ///
    /// - `> 0`: Id of the new table.
    /// - `0`: The machine does not run, or all ids are used.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    pub fn ext_table_new(&self, store: impl AsContextMut) -> Result<u32> {
        self.ext_table_new.call(store, ())
    }

    /// Sets an entry of an external table.
    ///
    /// Passes the entry to the host's `js_ext_table_set`, after checking that the value is one and
    /// the key has the form of a key. Lua code sees it at once.
    ///
    /// - `table_id`: The table.
    /// - `key_ptr`, `key_len`: The key, in the form that keys have.
    /// - `val_ptr`, `val_len`: The serialized value.
    ///
    /// Returns: Whether the entry is set.
    ///
    /// - `0`: It is.
    /// - `-1`: It is not, and nothing has changed.
    ///
    /// # Errors
    ///
    /// - The host fails: Returns -1.
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    /// - The key has not the form that keys have, or is too long: refused with `STATUS_BAD_ARGUMENT`
    /// - The value is not one that an entry can have: refused with `STATUS_BAD_ARGUMENT`
    /// - The value is longer than the host takes by its answer to negotiate: refused with `STATUS_BAD_ARGUMENT`
    pub fn ext_table_set(
        &self,
        store: impl AsContextMut,
        table_id: u32,
        key_ptr: u32,
        key_len: u32,
        val_ptr: u32,
        val_len: u32,
    ) -> Result<i32> {
        self.ext_table_set.call(store, (table_id, key_ptr, key_len, val_ptr, val_len))
    }

    /// Reads an entry of an external table.
    ///
    /// Asks the host's `js_ext_table_get` and copies the serialized value.
    ///
    /// - `table_id`: The table.
    /// - `key_ptr`, `key_len`: The key, in the form that keys have.
    /// - `val_ptr`, `val_len`: Room for the serialized value.
    ///
    /// Returns: Length of the value.
    ///
    /// - `> 0`: Bytes written.
    /// - `-1`: There is no such entry, or the host failed.
    /// - `< -1`: The room is too small; the negated value is the number of bytes needed, if the host tells it.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    /// - The key has not the form that keys have, or is too long: refused with `STATUS_BAD_ARGUMENT`
    pub fn ext_table_get(
        &self,
        store: impl AsContextMut,
        table_id: u32,
        key_ptr: u32,
        key_len: u32,
        val_ptr: u32,
        val_len: u32,
    ) -> Result<i32> {
        self.ext_table_get.call(store, (table_id, key_ptr, key_len, val_ptr, val_len))
    }

    /// Deletes an entry of an external table.
    ///
    /// Passes the key to the host's `js_ext_table_delete`. Deleting an absent key succeeds.
    ///
    /// - `table_id`: The table.
    /// - `key_ptr`, `key_len`: The key, in the form that keys have.
    ///
    /// Returns: Whether the entry is gone.
    ///
    /// - `0`: It is.
    /// - `-1`: The machine does not run, the id is 0, or the host failed.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    pub fn ext_table_delete(
        &self,
        store: impl AsContextMut,
        table_id: u32,
        key_ptr: u32,
        key_len: u32,
    ) -> Result<i32> {
        self.ext_table_delete.call(store, (table_id, key_ptr, key_len))
    }

    /// Counts the entries of an external table.
    ///
    /// What `ext.size` gives in Lua: a stored metatable does not count.
    ///
    /// - `table_id`: The table.
    ///
    /// Returns: The number of entries.
    ///
    /// - `>= 0`: Entries; 0 also for a table that the host does not have.
    /// - `-1`: The machine does not run, the id is 0, or the host failed.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - An import runs, whatever called it: Lua code, a finalizer or the module itself: refused with `STATUS_BUSY`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    pub fn ext_table_size(&self, store: impl AsContextMut, table_id: u32) -> Result<i32> {
        self.ext_table_size.call(store, table_id)
    }

    /// Lists the keys of an external table.
    ///
    /// Asks the host's `js_ext_table_keys`. Keys come in the form that keys have, joined by line
    /// feeds.
    ///
    /// - `table_id`: The table.
    /// - `buffer_ptr`, `buffer_len`: Room for the keys.
    ///
    /// Returns: Length of the list.
    ///
    /// - `>= 0`: Bytes written.
    /// - `-1`: The machine does not run, the id is 0, the host failed, or the room is too small.
    /// - `< -1`: The room is too small; the negated value is the number of bytes needed, if the host tells it.
    ///
    /// # Errors
    ///
    /// - The machine does not run: `init` has not been called or has failed, or `deinit` has closed it: refused with `STATUS_NOT_INITIALIZED`
    /// - A range does not lie in memory; nothing is read or written: refused with `STATUS_BAD_ARGUMENT`
    /// - `table_id` is 0: refused with `STATUS_BAD_ARGUMENT`
    pub fn ext_table_keys(
        &self,
        store: impl AsContextMut,
        table_id: u32,
        buffer_ptr: u32,
        buffer_len: u32,
    ) -> Result<i32> {
        self.ext_table_keys.call(store, (table_id, buffer_ptr, buffer_len))
    }
}

/// What the module calls on its host. A handler that returns an error ends the call that is under way, and with it the
/// instance; for any other failure it returns what its documentation says.
pub trait Imports: Sized + 'static {
    /// Stores a value in an external table.
    ///
    /// A table that the host does not know yet is created. A key that is there already gets the new
    /// value and keeps its place in the order; one that was deleted comes last again.
    ///
    /// - `table_id`: Id of the table.
    /// - `key_ptr`, `key_len`: The key, as UTF-8 text.
    /// - `val_ptr`, `val_len`: The serialized value. The host copies it.
    ///
    /// Returns: Whether the value is stored.
    ///
    /// - `0`: It is, with all its bytes.
    /// - `-1`: It is not, and the table is as it was; Lua code gets an error.
    fn ext_table_set(
        caller: &mut Caller<'_, Self>,
        table_id: u32,
        key: Range,
        val: Range,
    ) -> Result<i32>;

    /// Fetches a value from an external table.
    ///
    /// The host copies the serialized value into the buffer. It changes no table, and creates none.
    /// With table id 0 it is a request, see Services.
    ///
    /// - `table_id`: Id of the table.
    /// - `key_ptr`, `key_len`: The key, as UTF-8 text.
    /// - `val_ptr`, `max_len`: Where the value goes, and how much fits there.
    ///
    /// Returns: Length of the value.
    ///
    /// - `> 0`: Bytes written.
    /// - `0`: The entry has no bytes, which is no value: an error in Lua.
    /// - `-1`: No such key or table, or an error.
    /// - `-n`: The buffer is too small; n bytes are needed (n is at least 2).
    fn ext_table_get(
        caller: &mut Caller<'_, Self>,
        table_id: u32,
        key: Range,
        val: Range,
    ) -> Result<i32>;

    /// Deletes a key from an external table.
    ///
    /// The module calls it when Lua code assigns `nil`. Deleting an absent key is no error. All
    /// other entries stay as they are, and in their order.
    ///
    /// - `table_id`: Id of the table.
    /// - `key_ptr`, `key_len`: The key, as UTF-8 text.
    ///
    /// Returns: Whether the key is gone.
    ///
    /// - `0`: It is.
    /// - `-1`: It is not; Lua code gets an error.
    fn ext_table_delete(caller: &mut Caller<'_, Self>, table_id: u32, key: Range) -> Result<i32>;

    /// Counts the entries of an external table.
    ///
    /// A table that the host does not know has none.
    ///
    /// - `table_id`: Id of the table.
    ///
    /// Returns: Number of entries.
    ///
    /// - `0 or more`: Number of entries.
    /// - `< 0`: An error; Lua code gets one.
    fn ext_table_size(caller: &mut Caller<'_, Self>, table_id: u32) -> Result<i32>;

    /// Lists the keys of an external table.
    ///
    /// The host writes all keys in the order in which they were first set, separated by single line
    /// feeds (`\n`), without one at the end.
    ///
    /// - `table_id`: Id of the table.
    /// - `buf_ptr`, `max_len`: Where the keys go, and how much fits there.
    ///
    /// Returns: Length of the list.
    ///
    /// - `> 0`: Bytes written.
    /// - `0`: The table has no keys.
    /// - `-1`: An error, or the buffer is too small.
    /// - `-n`: The buffer is too small; n bytes are needed (n is at least 2).
    fn ext_table_keys(caller: &mut Caller<'_, Self>, table_id: u32, buf: Range) -> Result<i32>;

    /// Takes what a handler panicked with. The module sees the failure that the reference names.
    fn panicked(caller: &mut Caller<'_, Self>, payload: Box<dyn std::any::Any + Send>);
}

/// Gives a linker the imports, over a host that is the data of the store.
///
/// # Errors
///
/// If the linker has one of them already.
pub fn link<T: Imports>(linker: &mut Linker<T>) -> Result<()> {
    linker.func_wrap(
        "env",
        "js_ext_table_set",
        |
              mut caller: Caller<'_, T>,
              table_id: u32,
              key_ptr: u32,
              key_len: u32,
              val_ptr: u32,
              val_len: u32,
        | {
            boundary::guarded(&mut caller, i32::MIN, |caller| {
                T::ext_table_set(
                    caller,
                    table_id,
                    Range::new(key_ptr, key_len),
                    Range::new(val_ptr, val_len),
                )
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "js_ext_table_get",
        |
              mut caller: Caller<'_, T>,
              table_id: u32,
              key_ptr: u32,
              key_len: u32,
              val_ptr: u32,
              max_len: u32,
        | {
            boundary::guarded(&mut caller, i32::MIN, |caller| {
                T::ext_table_get(
                    caller,
                    table_id,
                    Range::new(key_ptr, key_len),
                    Range::new(val_ptr, max_len),
                )
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "js_ext_table_delete",
        |
              mut caller: Caller<'_, T>,
              table_id: u32,
              key_ptr: u32,
              key_len: u32,
        | {
            boundary::guarded(&mut caller, i32::MIN, |caller| {
                T::ext_table_delete(caller, table_id, Range::new(key_ptr, key_len))
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "js_ext_table_size",
        |
              mut caller: Caller<'_, T>,
              table_id: u32,
        | {
            boundary::guarded(&mut caller, i32::MIN, |caller| {
                T::ext_table_size(caller, table_id)
            })
        },
    )?;
    linker.func_wrap(
        "env",
        "js_ext_table_keys",
        |
              mut caller: Caller<'_, T>,
              table_id: u32,
              buf_ptr: u32,
              max_len: u32,
        | {
            boundary::guarded(&mut caller, i32::MIN, |caller| {
                T::ext_table_keys(caller, table_id, Range::new(buf_ptr, max_len))
            })
        },
    )?;
    Ok(())
}

/// Requests of the module, and the replies to them.
pub mod services {
    use crate::boundary::{Reply, take};

    /// Number of [`Request::Negotiate`].
    pub const NEGOTIATE: u8 = 1;
    /// Number of [`Request::Clock`].
    pub const CLOCK: u8 = 2;
    /// Number of [`Request::UtcOffset`].
    pub const UTC_OFFSET: u8 = 3;
    /// Number of [`Request::Entropy`].
    pub const ENTROPY: u8 = 4;
    /// Number of [`Request::Output`].
    pub const OUTPUT: u8 = 5;
    /// Number of [`Request::Keys`].
    pub const KEYS: u8 = 6;
    /// Number of [`Request::CloseCursor`].
    pub const CLOSE_CURSOR: u8 = 7;
    /// Number of [`Request::Drop`].
    pub const DROP: u8 = 8;
    /// Number of [`Request::Call`].
    pub const CALL: u8 = 9;
    /// Number of [`Request::Rest`].
    pub const REST: u8 = 10;
    /// Number of [`Request::Release`].
    pub const RELEASE: u8 = 11;
    /// Number of [`Request::FindFunction`].
    pub const FIND_FUNCTION: u8 = 12;
    /// Number of [`Request::Module`].
    pub const MODULE: u8 = 13;
    /// Number of [`Request::Tables`].
    pub const TABLES: u8 = 14;
    /// Number of [`Request::Failure`].
    pub const FAILURE: u8 = 15;
    /// Number of [`Request::Revision`].
    pub const REVISION: u8 = 16;
    /// Number of [`Request::ReadRows`].
    pub const READ_ROWS: u8 = 17;
    /// Number of [`Request::ReadList`].
    pub const READ_LIST: u8 = 18;
    /// Number of [`Request::WriteRows`].
    pub const WRITE_ROWS: u8 = 19;
    /// Number of [`Request::FreeIds`].
    pub const FREE_IDS: u8 = 20;
    /// Number of [`Request::ReadEntries`].
    pub const READ_ENTRIES: u8 = 21;
    /// Number of [`Request::Roots`].
    pub const ROOTS: u8 = 22;
    /// Number of [`Request::Collect`].
    pub const COLLECT: u8 = 23;

    /// A request of the module.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub enum Request<'a> {
        /// Asks which services the host offers and how large a value its tables take.
        ///
        /// Sent by `init`. Without an answer, the module asks for no other service and keeps values
        /// within `VALUE_LIMIT`. The generated loader answers it from the handlers that it was
        /// given.
        ///
        /// The fields have defaults, so the reply may end after any of them: one of 4 bytes names
        /// the services alone. A field that is cut short counts as missing. Services tells what
        /// happens if host and module are of different versions.
        Negotiate {
            /// Version of the boundary that the module was built with.
            abi_version: u32,
        },
        /// Asks what time it is and how much processor time was used.
        ///
        /// For `os.time` and `os.clock`. Without it, both give 0.
        Clock,
        /// Asks how far local time is ahead of UTC at an instant.
        ///
        /// For `os.date` and `os.time` with a table. Without it, local time is UTC.
        UtcOffset {
            /// The instant, in seconds since the start of 1970 in UTC.
            unix_seconds: f64,
        },
        /// Asks for random bits.
        ///
        /// For the seed of `math.random`. Without it, every machine starts with the same sequence.
        Entropy,
        /// Sends output as it comes.
        ///
        /// What `print` and `io.write` produced, whenever the I/O buffer is full. Output that was
        /// handed over is not in the result; what is left at the end of a run is. Without it,
        /// output that does not fit the buffer is cut.
        Output {
            /// The output, as bytes. A character may be split between two calls.
            piece: &'a [u8],
        },
        /// Asks for a page of a table's keys.
        ///
        /// For `next` and `pairs`. The host gives keys in the order in which they came, as much as
        /// fits, and a cursor for the rest; keys deleted meanwhile may be left out. If not even one
        /// key fits, it answers the negated number of bytes needed. Without it, the module takes
        /// all keys at once through `js_ext_table_keys`.
        Keys {
            /// The table. One that the host does not have is empty.
            table: u32,
            /// Where to go on: 0 for the first page, then what the page before said.
            cursor: u32,
        },
        /// Closes a cursor.
        ///
        /// Sent when a walk ends before the last page. Without it, the host has to close old
        /// cursors itself.
        CloseCursor {
            /// The cursor, as a page of keys gave it.
            cursor: u32,
        },
        /// Deletes a table with all its entries.
        ///
        /// Sent for tables that nothing refers to. Without it, the module deletes their keys one by
        /// one.
        Drop {
            /// The table.
            table: u32,
        },
        /// Calls a function of the host.
        ///
        /// Lua has got the function as a `TAG_HOST_FUNCTION`. The handler reads all arguments
        /// before it calls the function, which may run Lua again. A reply that is longer than its
        /// room is kept for the service `rest`, which follows at once; the function is not called
        /// twice. A host that offers this also gets `TAG_REFERENCE` where others get `TAG_OPAQUE`.
        /// Without it, calling such a function is an error.
        Call {
            /// The number of the function (u32), and the arguments as values, one after another.
            request: &'a [u8],
        },
        /// Asks for the reply of a host function that was longer than its room.
        ///
        /// Sent after a `call` that answered with the size of its reply, with enough room for the
        /// reply.
        Rest,
        /// Says that Lua has collected a host function.
        ///
        /// Without it, the host keeps the function as long as the machine.
        Release {
            /// The number of the function.
            number: u32,
        },
        /// Asks for the number of a function of the host by its name.
        ///
        /// Sent before a function is called whose number an earlier host gave, as an image of the
        /// memory goes on with this one: the function is known by its name alone then. Without an
        /// answer, calling it is an error.
        FindFunction {
            /// The name, UTF-8.
            name: &'a [u8],
        },
        /// Asks for the source of a module that `require` looks for.
        ///
        /// Asked after `package.preload`. Without it, `require` finds loaded modules and
        /// `package.preload` only.
        Module {
            /// The name that was given to `require`.
            name: &'a [u8],
        },
        /// Asks for a page of the ids of all tables that the host has.
        ///
        /// For `ext.collect`, which frees those that nothing reaches. The host lists the ids when
        /// it is asked for the first page, and gives a cursor for the rest; a table that is deleted
        /// meanwhile may still be listed. Without it, the module asks for the size of each id that
        /// it has given.
        Tables {
            /// Where to go on: 0 for the first page, then what the page before said.
            cursor: u32,
        },
        /// Asks why the host failed the last request.
        ///
        /// Sent before a request for a table that the host failed becomes an error in Lua: the
        /// reason is the message of that error. The generated loader's host can so tell a program
        /// which of its quotas is used up. Without it, or with an empty reason, the message says
        /// what the host failed to do.
        Failure,
        /// Asks whether anybody else has changed tables.
        ///
        /// For modules that keep what they have read of tables from one call to the next. The
        /// number is another one whenever anybody but this module has changed tables; the module's
        /// own requests do not change it. Each host begins with a random number, so that an image
        /// of the memory that goes on with another host does not find its own. Without it, the
        /// module reads tables anew in each call.
        Revision,
        /// Asks for whole tables.
        ///
        /// The host answers each table in turn with an `OP_ROW`, behind the `OP_SHAPE` that it
        /// needs, or with an `OP_LARGE`: as many as there is room for. If there is no room for the
        /// first, it answers the negated number of bytes that it needs. Without it, the module asks
        /// for keys and entries.
        ReadRows {
            /// A table whose keys and values have more bytes is an `OP_LARGE`.
            limit: u32,
            /// The ids of the tables, each as a u32.
            ids: &'a [u8],
        },
        /// Asks for values of a list, and the tables that they refer to.
        ///
        /// The host answers with an `OP_LIST` of as many values as were asked for, or as there is
        /// room for. Behind it come the tables that these values refer to by `TAG_EXTERNAL_TABLE`,
        /// in their order and each once, as `OP_ROW` with the `OP_SHAPE` that they need: as many as
        /// there is room for, without those that are too large. If there is no room for the first
        /// value, the host answers the negated number of bytes that it needs. Without it, the
        /// module asks for each entry.
        ReadList {
            /// The list. One that the host does not have is empty.
            table: u32,
            /// The key of the first value.
            first: u32,
            /// How many values.
            count: u32,
            /// A table whose keys and values have more bytes is left out.
            limit: u32,
        },
        /// Writes many tables and entries.
        ///
        /// The host applies each `OP_SHAPE`, `OP_ROW`, `OP_SET` and `OP_DELETE` in turn, each
        /// wholly or not at all. A row is all that the table has afterwards; if it has no keys, the
        /// table is gone. If the host refuses one, it applies no more, and failure asks for the
        /// reason. A host whose tables refuse entries, as with quotas, does not offer this: then
        /// the module writes each entry as Lua assigns it, so that the assignment gets the error.
        WriteRows {
            /// What is written.
            ops: &'a [u8],
        },
        /// Asks for ids that no table has.
        ///
        /// The host looks for the first run of ids that it has no tables for. Without it, the
        /// module asks for the size of each id.
        FreeIds {
            /// Where the search begins.
            first: u32,
            /// How many ids are needed.
            count: u32,
        },
        /// Asks for a page of a table's entries, and the tables that they refer to.
        ///
        /// The host gives entries in the order in which they came, as `OP_SET`, or as `OP_KEY` if
        /// the value has more than `BATCH_VALUE_LIMIT` bytes: as many as there is room for. Behind
        /// them come the tables that they refer to, as with read_list. Cursors are those of keys:
        /// entries that are deleted meanwhile may be left out, and close_cursor closes a cursor. If
        /// there is no room for the first entry, the host answers the negated number of bytes that
        /// it needs; it declines an entry whose key has more than 65535 bytes. Without it, the
        /// module asks for keys and entries.
        ReadEntries {
            /// The table. One that the host does not have is empty.
            table: u32,
            /// Where to go on: 0 for the first page, then what the page before said.
            cursor: u32,
            /// A table whose keys and values have more bytes is left out.
            limit: u32,
        },
        /// Hands over the ids of tables that are alive in Lua.
        ///
        /// Sent in front of a request to collect that says so: `_home`, `_io`, the tables and
        /// functions that Lua has objects for, the variables of stored functions. There may be many
        /// of these requests. An id may come more than once, and the host need not have the table.
        Roots {
            /// One of the `ROOTS_` constants.
            list: u32,
            /// The ids, each as a u32.
            ids: &'a [u8],
        },
        /// Has the host free the tables that nothing reaches.
        ///
        /// A table is reached if it is one of the roots, if the host itself keeps it, or if an
        /// entry of a reached table refers to it, by `TAG_EXTERNAL_TABLE` or `TAG_FUNCTION`. A host
        /// that collects in steps has to see to what happens between them: a table that an entry is
        /// written to, and a table that an entry comes to refer to, count as reached; and before it
        /// frees anything, it asks for the roots once more by `COLLECT_ROOTS`, as what was read
        /// from an entry that is deleted now may be alive in Lua. What is garbage then stays so. A
        /// host that fails frees nothing more.
        ///
        /// Without this and `roots`, the module marks what is reached itself: it reads all keys and
        /// entries, and frees tables by `drop`. `ext.collect` then does all at once.
        Collect {
            /// 1 if all roots of this moment have just been handed over, else 0.
            complete: u32,
            /// After how many milliseconds the step should end, about; 4294967295: it goes on to
            /// its end.
            milliseconds: u32,
        },
    }

    impl<'a> Request<'a> {
        /// Reads a request; `None` if it is none that is known.
        pub fn read(bytes: &'a [u8]) -> Option<Self> {
            let (&number, mut rest) = bytes.split_first()?;
            let request = match number {
                NEGOTIATE => Self::Negotiate {
                    abi_version: u32::from_le_bytes(take(&mut rest)?),
                },
                CLOCK => Self::Clock,
                UTC_OFFSET => Self::UtcOffset {
                    unix_seconds: f64::from_le_bytes(take(&mut rest)?),
                },
                ENTROPY => Self::Entropy,
                OUTPUT => Self::Output {
                    piece: std::mem::take(&mut rest),
                },
                KEYS => Self::Keys {
                    table: u32::from_le_bytes(take(&mut rest)?),
                    cursor: u32::from_le_bytes(take(&mut rest)?),
                },
                CLOSE_CURSOR => Self::CloseCursor {
                    cursor: u32::from_le_bytes(take(&mut rest)?),
                },
                DROP => Self::Drop {
                    table: u32::from_le_bytes(take(&mut rest)?),
                },
                CALL => Self::Call {
                    request: std::mem::take(&mut rest),
                },
                REST => Self::Rest,
                RELEASE => Self::Release {
                    number: u32::from_le_bytes(take(&mut rest)?),
                },
                FIND_FUNCTION => Self::FindFunction {
                    name: std::mem::take(&mut rest),
                },
                MODULE => Self::Module {
                    name: std::mem::take(&mut rest),
                },
                TABLES => Self::Tables {
                    cursor: u32::from_le_bytes(take(&mut rest)?),
                },
                FAILURE => Self::Failure,
                REVISION => Self::Revision,
                READ_ROWS => Self::ReadRows {
                    limit: u32::from_le_bytes(take(&mut rest)?),
                    ids: std::mem::take(&mut rest),
                },
                READ_LIST => Self::ReadList {
                    table: u32::from_le_bytes(take(&mut rest)?),
                    first: u32::from_le_bytes(take(&mut rest)?),
                    count: u32::from_le_bytes(take(&mut rest)?),
                    limit: u32::from_le_bytes(take(&mut rest)?),
                },
                WRITE_ROWS => Self::WriteRows {
                    ops: std::mem::take(&mut rest),
                },
                FREE_IDS => Self::FreeIds {
                    first: u32::from_le_bytes(take(&mut rest)?),
                    count: u32::from_le_bytes(take(&mut rest)?),
                },
                READ_ENTRIES => Self::ReadEntries {
                    table: u32::from_le_bytes(take(&mut rest)?),
                    cursor: u32::from_le_bytes(take(&mut rest)?),
                    limit: u32::from_le_bytes(take(&mut rest)?),
                },
                ROOTS => Self::Roots {
                    list: u32::from_le_bytes(take(&mut rest)?),
                    ids: std::mem::take(&mut rest),
                },
                COLLECT => Self::Collect {
                    complete: u32::from_le_bytes(take(&mut rest)?),
                    milliseconds: u32::from_le_bytes(take(&mut rest)?),
                },
                _ => return None,
            };
            rest.is_empty().then_some(request)
        }
    }

    /// The reply to [`Request::Negotiate`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Negotiate {
        /// Bit n is set if service n is offered.
        pub services: u32,
        /// Longest string that a table takes as a value, in bytes, and with it the longest value:
        /// `js_ext_table_set` gets at most `VALUE_HEAD` bytes more. Less than `VALUE_LIMIT` holds,
        /// too; less than `VALUE_LIMIT_LEAST` counts as that.
        pub max_value_len: u32,
        /// 1 if the host knows the numbers of the functions that the host before it gave, as the
        /// machine was copied along with it; else 0.
        pub continues: u32,
    }

    impl Negotiate {
        /// Bytes of the reply.
        pub const SIZE: usize = 12;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.services.to_le_bytes());
            reply.put(&self.max_value_len.to_le_bytes());
            reply.put(&self.continues.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::Clock`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Clock {
        /// Seconds since the start of 1970 in UTC, with fractions.
        pub unix_seconds: f64,
        /// Seconds of processor time used, from any starting point.
        pub cpu_seconds: f64,
    }

    impl Clock {
        /// Bytes of the reply.
        pub const SIZE: usize = 16;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.unix_seconds.to_le_bytes());
            reply.put(&self.cpu_seconds.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::UtcOffset`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct UtcOffset {
        /// Seconds that local time is ahead; negative west of Greenwich.
        pub seconds: i32,
    }

    impl UtcOffset {
        /// Bytes of the reply.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.seconds.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::Entropy`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Entropy {
        /// 64 random bits.
        pub low: u64,
        /// 64 more.
        pub high: u64,
    }

    impl Entropy {
        /// Bytes of the reply.
        pub const SIZE: usize = 16;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.low.to_le_bytes());
            reply.put(&self.high.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::Keys`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Keys<'a> {
        /// Where the next page begins; 0: there is none.
        pub cursor: u32,
        /// The keys, joined by line feeds.
        pub keys: &'a [u8],
    }

    impl Keys<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.cursor.to_le_bytes());
            reply.put(self.keys);
            reply.finish()
        }
    }

    /// The reply to [`Request::Call`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Call<'a> {
        /// One of the `CALL_` constants, and what belongs to it.
        pub reply: &'a [u8],
    }

    impl Call<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.reply);
            reply.finish()
        }
    }

    /// The reply to [`Request::Rest`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Rest<'a> {
        /// The reply, from its first byte on.
        pub reply: &'a [u8],
    }

    impl Rest<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.reply);
            reply.finish()
        }
    }

    /// The reply to [`Request::FindFunction`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct FindFunction {
        /// The number of the function.
        pub number: u32,
    }

    impl FindFunction {
        /// Bytes of the reply.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.number.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::Module`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Module<'a> {
        /// Lua source.
        pub source: &'a [u8],
    }

    impl Module<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.source);
            reply.finish()
        }
    }

    /// The reply to [`Request::Tables`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Tables<'a> {
        /// Where the next page begins; 0: there is none.
        pub cursor: u32,
        /// The ids, each as a u32. At least one if there is a next page.
        pub ids: &'a [u8],
    }

    impl Tables<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.cursor.to_le_bytes());
            reply.put(self.ids);
            reply.finish()
        }
    }

    /// The reply to [`Request::Failure`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Failure<'a> {
        /// The message, UTF-8.
        pub reason: &'a [u8],
    }

    impl Failure<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.reason);
            reply.finish()
        }
    }

    /// The reply to [`Request::Revision`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Revision {
        /// The number.
        pub revision: u64,
    }

    impl Revision {
        /// Bytes of the reply.
        pub const SIZE: usize = 8;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.revision.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::ReadRows`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct ReadRows<'a> {
        /// The tables, in the order in which they were asked for.
        pub ops: &'a [u8],
    }

    impl ReadRows<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.ops);
            reply.finish()
        }
    }

    /// The reply to [`Request::ReadList`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct ReadList<'a> {
        /// The values, and then the tables.
        pub ops: &'a [u8],
    }

    impl ReadList<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 0;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(self.ops);
            reply.finish()
        }
    }

    /// The reply to [`Request::WriteRows`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct WriteRows {
        /// How many were applied, shapes among them. If it is fewer than were sent, the next one
        /// was refused.
        pub done: u32,
    }

    impl WriteRows {
        /// Bytes of the reply.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.done.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::FreeIds`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct FreeIds {
        /// The first id of the run.
        pub first: u32,
        /// How many ids the run has, at most as many as were asked for; 0: all ids from the first
        /// one to 4294967294 have tables.
        pub count: u32,
    }

    impl FreeIds {
        /// Bytes of the reply.
        pub const SIZE: usize = 8;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.first.to_le_bytes());
            reply.put(&self.count.to_le_bytes());
            reply.finish()
        }
    }

    /// The reply to [`Request::ReadEntries`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct ReadEntries<'a> {
        /// Where the next page begins; 0: there is none.
        pub cursor: u32,
        /// The entries, and then the tables.
        pub ops: &'a [u8],
    }

    impl ReadEntries<'_> {
        /// Bytes of the reply in front of its last field.
        pub const SIZE: usize = 4;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.cursor.to_le_bytes());
            reply.put(self.ops);
            reply.finish()
        }
    }

    /// The reply to [`Request::Collect`].
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Collect {
        /// One of the `COLLECT_` constants; not `COLLECT_ROOTS` if the roots are complete.
        pub state: u32,
        /// How many tables the collection has freed so far.
        pub freed: u32,
        /// How many instructions the step costs the program that asks for it; for example, one for
        /// each entry that the host has read.
        pub work: u32,
    }

    impl Collect {
        /// Bytes of the reply.
        pub const SIZE: usize = 12;

        /// Writes the reply into its room; what the import returns.
        pub fn write(&self, room: &mut [u8]) -> i32 {
            let mut reply = Reply::new(room);
            reply.put(&self.state.to_le_bytes());
            reply.put(&self.freed.to_le_bytes());
            reply.put(&self.work.to_le_bytes());
            reply.finish()
        }
    }
}
