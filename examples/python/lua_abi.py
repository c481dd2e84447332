"""The boundary between Python and lua.wasm: its constants, and its values, keys, requests and replies as bytes.

Generated from exports.toml by `cargo xtask generate`; edit that instead.
"""

import math
import re
import struct
from collections import namedtuple

# Version of the boundary.
ABI_VERSION = 2
# Pages of the memory, minimum and maximum: 2 MiB.
MEMORY_PAGES = 32
# Bytes in a page.
WASM_PAGE_SIZE = 65536
# Bytes of the I/O buffer.
IO_BUFFER_SIZE = 65536
# An error message in the I/O buffer takes fewer bytes than this.
ERROR_LIMIT = 200
# Longest string that can be a key of an external table, in bytes. In [its form](#keys) each byte takes up to four, so
# that a host sees keys of up to 65540 bytes.
KEY_LIMIT = 16384
# Longest string that an external table takes as a value, in bytes, unless the host negotiates another length. Its
# encoding has a tag and a length in front: `VALUE_HEAD` bytes more.
VALUE_LIMIT = 16384
# The least that a host can negotiate: every value but a string fits, with `VALUE_HEAD` bytes more.
VALUE_LIMIT_LEAST = 64
# Bytes of a string's encoding in front of its own. So a host with nothing negotiated gets values of up to 16389 bytes.
VALUE_HEAD = 5
# The least that `set_heap_limit` can give a machine: it can load the libraries, run small scripts and report their
# errors.
HEAP_LEAST = 131072
# Flag of `execute`: run the code as `eval` does, as an interactive console.
EXECUTE_CONSOLE = 1
# Flag of `execute`: pass the elements of the global table `arg`, from 1 on, to the code as its `...`.
EXECUTE_ARGUMENTS = 2
# There is no program, or it has ended.
PROGRAM_NONE = 0
# There is a program, which has not begun, or has used up the ticks of a step.
PROGRAM_PAUSED = 1
# The program waits in `coroutine.yield`, which returns what `program_resume` hands over.
PROGRAM_YIELDED = 2
# The code ran to its end.
STATUS_OK = 0
# The program that is run in steps is paused: `program_step` goes on with it.
STATUS_PAUSED = 1
# The code raised an error.
STATUS_RUNTIME_ERROR = 2
# The code is not Lua, or is a binary chunk.
STATUS_SYNTAX_ERROR = 3
# The heap was full.
STATUS_MEMORY_ERROR = 4
# An error occurred while another was being handled.
STATUS_HANDLER_ERROR = 5
# The code was stopped: it ran as many instructions as `set_limits` allows.
STATUS_INSTRUCTION_LIMIT = 6
# The code was stopped: it ran as long as `set_limits` allows.
STATUS_TIME_LIMIT = 7
# The code was stopped: it printed as much as `set_limits` allows.
STATUS_OUTPUT_LIMIT = 8
# The code ran to its end, but its result does not fit the I/O buffer.
STATUS_TOO_LARGE = 16
# The call was refused: a range outside the memory, code longer than the buffer, or an unknown flag.
STATUS_BAD_ARGUMENT = 17
# The call was refused: there is no machine, as `init` has not been called or has failed, or `deinit` has closed it.
STATUS_NOT_INITIALIZED = 18
# The call was refused: another call is under way, whose import runs or has thrown an exception through the module.
STATUS_BUSY = 19
# The call was refused: `program_start` has not made a program, or it has ended.
STATUS_NO_PROGRAM = 20
# The serialized result, without the output, if it was too large for the I/O buffer.
PART_VALUES = 1
# The whole error message.
PART_MESSAGE = 2
# The traceback of the error, as text.
PART_TRACEBACK = 3
# The serialized error value, which need not be a string.
PART_ERROR_VALUE = 4
# The number (u32) of the host function's exception that caused the error, if one did.
PART_EXCEPTION = 5
# The function returned: its results follow.
CALL_RESULTS = 0
# The function failed with a message: a number that the host gives to the exception, the message, and the host's own
# traceback or nil. In Lua, the position of the call is put in front of the message.
CALL_ERROR = 1
# As `CALL_ERROR`, but the error value itself follows the number.
CALL_THROWN = 2
# The function failed because a call of Lua inside it failed: the module raises the same error value again.
CALL_AGAIN = 3
# Names the keys that rows have in common. The shapes of a request or reply are numbered from 0.
OP_SHAPE = 1
# All entries of a table, in their order; its metatable is the one with the key `[meta]`. A table that the host does not
# have is a row of a shape without keys.
OP_ROW = 2
# An entry.
OP_SET = 3
# Deletes an entry; there need not be one.
OP_DELETE = 4
# The values of the integer keys from `first` on.
OP_LIST = 5
# A table that is asked for in another way, as it is too large for a row, or one of its values is not encoded as a value
# is.
OP_LARGE = 6
# A key whose value is asked for by `js_ext_table_get`, as it has more than `BATCH_VALUE_LIMIT` bytes.
OP_KEY = 7
# In place of a value in an `OP_LIST`: the value has more than `BATCH_VALUE_LIMIT` bytes, or is not encoded as a value
# is.
VALUE_ELSEWHERE = 0xff
# Longest value that is part of an `OP_LIST`, or of the `OP_SET` of a page of entries, in bytes.
BATCH_VALUE_LIMIT = 1024
# The first roots of a new collection. One that is under way is given up.
ROOTS_BEGIN = 0
# The first roots of the list that the collection under way has asked for. If there is none, of a new one.
ROOTS_AGAIN = 1
# More of the list before.
ROOTS_MORE = 2
# Everything is freed that was garbage when the collection began.
COLLECT_DONE = 0
# The time of the step is over.
COLLECT_PART = 1
# The collection goes on with the roots, of which there are none yet, or which may be others than before.
COLLECT_ROOTS = 2
# What an import returns for a key or table it does not have, a request it does not know, or a failure.
REPLY_NONE = -1
# `nil`. Assigning nil deletes an entry, so no entry has this tag. If a host stores one, the entry is damaged, see
# below.
TAG_NIL = 0x00
# A boolean.
TAG_BOOLEAN = 0x01
# An integer of 64 bits.
TAG_INTEGER = 0x02
# A float.
TAG_FLOAT = 0x03
# A string of any bytes.
TAG_STRING = 0x04
# A Lua function stored in an external table: the id of [the table that describes it](#stored-functions), never 0 or
# 4294967295.
TAG_FUNCTION = 0x05
# A function written in C that is a field of the globals or of a library, by name, as `print` or `string.format`. A host
# function that is the value of a global is stored in this form, by the name of that global; in a result it is a
# `TAG_HOST_FUNCTION`.
TAG_LIBRARY_FUNCTION = 0x06
# An external table, by its id, never 0 or 4294967295.
TAG_EXTERNAL_TABLE = 0x07
# A table by value: the values of the keys 1 to n, then m other keys, each followed by its value.
TAG_TABLE = 0x08
# A table by value that has appeared before, by its number.
TAG_SAME_TABLE = 0x09
# A value that cannot be encoded (a Lua function, a coroutine, userdata), as `tostring` shows it. The type is the number
# that Lua's C API gives it: nil 0, boolean 1, light userdata 2, number 3, string 4, table 5, function 6, userdata 7,
# coroutine 8.
TAG_OPAQUE = 0x0a
# Only after a result: that result is the last of n, and the others follow.
TAG_MORE_RESULTS = 0x0b
# A table of the standard libraries, by name: `_G`, `coroutine`, `debug`, `ext`, `io`, `math`, `os`, `package`,
# `package.loaded`, `string`, `table` or `utf8`.
TAG_LIBRARY = 0x0c
# In place of `TAG_OPAQUE` for hosts with the service `call`: a held value, which stays in Lua under this number until
# `release_value`. The host can send it back; Lua then ignores the type and the text.
TAG_REFERENCE = 0x0d
# A function of the host, by the number that the host gave it and, if it has one, its name.
TAG_HOST_FUNCTION = 0x0e

# The imports of a module, by what the host does: the name, and the number of its parameters, which are i32.
IMPORT_MODULE = "env"
MEMORY = "memory"
IMPORTS = {
    "set": ("js_ext_table_set", 5),
    "get": ("js_ext_table_get", 5),
    "delete": ("js_ext_table_delete", 3),
    "size": ("js_ext_table_size", 1),
    "keys": ("js_ext_table_keys", 3),
}
# What an import returns in place of an exception.
THREW = -2147483648

# What follows each tag: name, type, for bytes the item with their number and what is taken from it, the least and
# the most.
ITEMS = {
    TAG_NIL: (),
    TAG_BOOLEAN: (("truth", "u8", None, 0, 1),),
    TAG_INTEGER: (("number", "i64", None, None, None),),
    TAG_FLOAT: (("number", "f64", None, None, None),),
    TAG_STRING: (("length", "u32", None, None, None), ("string", "bytes", ("length", 0), None, None),),
    TAG_FUNCTION: (("length", "u32", None, 4, 4), ("id", "u32", None, 1, 4294967294),),
    TAG_LIBRARY_FUNCTION: (("length", "u32", None, None, None), ("name", "bytes", ("length", 0), None, None),),
    TAG_EXTERNAL_TABLE: (("id", "u32", None, 1, 4294967294),),
    TAG_TABLE: (("n", "u32", None, None, None), ("m", "u32", None, None, None), ("elements", "value", ("n", 0), None, None), ("pairs", "pair", ("m", 0), None, None),),
    TAG_SAME_TABLE: (("number", "u32", None, None, None),),
    TAG_OPAQUE: (("lua_type", "u8", None, 0, 8), ("length", "u32", None, None, None), ("text", "bytes", ("length", 0), None, None),),
    TAG_MORE_RESULTS: (("n", "u32", None, 2, None), ("others", "value", ("n", 1), None, None),),
    TAG_LIBRARY: (("length", "u32", None, None, None), ("name", "bytes", ("length", 0), None, None),),
    TAG_REFERENCE: (("lua_type", "u8", None, 0, 8), ("number", "u32", None, None, None), ("length", "u32", None, None, None), ("text", "bytes", ("length", 0), None, None),),
    TAG_HOST_FUNCTION: (("number", "u32", None, None, None), ("length", "u32", None, None, None), ("name", "bytes", ("length", 0), None, None),),
}

# Where a value with a tag may stand.
PLACES = {
    TAG_NIL: ("result", "argument",),
    TAG_BOOLEAN: ("result", "argument", "entry", "host-entry",),
    TAG_INTEGER: ("result", "argument", "entry", "host-entry",),
    TAG_FLOAT: ("result", "argument", "entry", "host-entry",),
    TAG_STRING: ("result", "argument", "entry", "host-entry",),
    TAG_FUNCTION: ("argument", "entry", "host-entry",),
    TAG_LIBRARY_FUNCTION: ("result", "argument", "entry", "host-entry",),
    TAG_EXTERNAL_TABLE: ("result", "argument", "entry", "host-entry",),
    TAG_TABLE: ("result", "argument",),
    TAG_SAME_TABLE: ("result", "argument",),
    TAG_OPAQUE: ("result",),
    TAG_MORE_RESULTS: ("result",),
    TAG_LIBRARY: ("argument", "entry", "host-entry",),
    TAG_REFERENCE: ("result", "argument",),
    TAG_HOST_FUNCTION: ("result", "argument",),
}

# A Lua function stored in an external table: the id of [the table that describes it](#stored-functions), never 0 or
# 4294967295.
Function = namedtuple("Function", "id")
# A function written in C that is a field of the globals or of a library, by name, as `print` or `string.format`. A host
# function that is the value of a global is stored in this form, by the name of that global; in a result it is a
# `TAG_HOST_FUNCTION`.
LibraryFunction = namedtuple("LibraryFunction", "name")
# An external table, by its id, never 0 or 4294967295.
ExternalTable = namedtuple("ExternalTable", "id")
# A value that cannot be encoded (a Lua function, a coroutine, userdata), as `tostring` shows it. The type is the number
# that Lua's C API gives it: nil 0, boolean 1, light userdata 2, number 3, string 4, table 5, function 6, userdata 7,
# coroutine 8.
Opaque = namedtuple("Opaque", "lua_type text")
# A table of the standard libraries, by name: `_G`, `coroutine`, `debug`, `ext`, `io`, `math`, `os`, `package`,
# `package.loaded`, `string`, `table` or `utf8`.
Library = namedtuple("Library", "name")
# In place of `TAG_OPAQUE` for hosts with the service `call`: a held value, which stays in Lua under this number until
# `release_value`. The host can send it back; Lua then ignores the type and the text.
Reference = namedtuple("Reference", "lua_type number text")
# A function of the host, by the number that the host gave it and, if it has one, its name.
HostFunction = namedtuple("HostFunction", "number name")
CLASSES = {
    TAG_FUNCTION: Function,
    TAG_LIBRARY_FUNCTION: LibraryFunction,
    TAG_EXTERNAL_TABLE: ExternalTable,
    TAG_OPAQUE: Opaque,
    TAG_LIBRARY: Library,
    TAG_REFERENCE: Reference,
    TAG_HOST_FUNCTION: HostFunction,
}

# The grammar of keys, as far as it goes.
FORM = (
    '(?:(?:[^\\[\\ufeff\\u000a\\u000d\\u0000](?:[^\\u000a\\u000d\\u0000])*)|(?:\\[(?:true|false|(?:0|(?:(?:\\-)?(?:'
    '1|2|3|4|5|6|7|8|9)(?:(?:0|(?:1|2|3|4|5|6|7|8|9)))*))|(?:(?:\\-)?(?:inf|(?:(?:0|(?:(?:1|2|3|4|5|6|7|8|'
    '9)(?:(?:0|(?:1|2|3|4|5|6|7|8|9)))*))\\.(?:0|(?:1|2|3|4|5|6|7|8|9))(?:(?:0|(?:1|2|3|4|5|6|7|8|9)))*)|('
    '?:(?:1|2|3|4|5|6|7|8|9)(?:(?:\\.(?:0|(?:1|2|3|4|5|6|7|8|9))(?:(?:0|(?:1|2|3|4|5|6|7|8|9)))*))?e(?:\\-)'
    '?(?:1|2|3|4|5|6|7|8|9)(?:(?:0|(?:1|2|3|4|5|6|7|8|9)))*)))|(?:\\"(?:(?:[^\\\\\\u000a\\u000d\\u0000]|\\\\\\\\|(?'
    ':\\\\x(?:(?:0|(?:1|2|3|4|5|6|7|8|9))|A|B|C|D|E|F)(?:(?:0|(?:1|2|3|4|5|6|7|8|9))|A|B|C|D|E|F))))*\\"))\\]'
    '))'
)

# The requests: number, arguments and reply, each field with its type and default.
SERVICE_TABLE = 0
SERVICES = {
    "negotiate": (1, (("abi_version", "u32", None),), (("services", "u32", 0), ("max_value_len", "u32", 16384), ("continues", "u32", 0),)),
    "clock": (2, (), (("unix_seconds", "f64", None), ("cpu_seconds", "f64", None),)),
    "utc_offset": (3, (("unix_seconds", "f64", None),), (("seconds", "i32", None),)),
    "entropy": (4, (), (("low", "u64", None), ("high", "u64", None),)),
    "output": (5, (("piece", "bytes", None),), ()),
    "keys": (6, (("table", "u32", None), ("cursor", "u32", None),), (("cursor", "u32", None), ("keys", "bytes", None),)),
    "close_cursor": (7, (("cursor", "u32", None),), ()),
    "drop": (8, (("table", "u32", None),), ()),
    "call": (9, (("request", "bytes", None),), (("reply", "bytes", None),)),
    "rest": (10, (), (("reply", "bytes", None),)),
    "release": (11, (("number", "u32", None),), ()),
    "find_function": (12, (("name", "bytes", None),), (("number", "u32", None),)),
    "module": (13, (("name", "bytes", None),), (("source", "bytes", None),)),
    "tables": (14, (("cursor", "u32", None),), (("cursor", "u32", None), ("ids", "bytes", None),)),
    "failure": (15, (), (("reason", "bytes", None),)),
    "revision": (16, (), (("revision", "u64", None),)),
    "read_rows": (17, (("limit", "u32", None), ("ids", "bytes", None),), (("ops", "bytes", None),)),
    "read_list": (18, (("table", "u32", None), ("first", "u32", None), ("count", "u32", None), ("limit", "u32", None),), (("ops", "bytes", None),)),
    "write_rows": (19, (("ops", "bytes", None),), (("done", "u32", None),)),
    "free_ids": (20, (("first", "u32", None), ("count", "u32", None),), (("first", "u32", None), ("count", "u32", None),)),
    "read_entries": (21, (("table", "u32", None), ("cursor", "u32", None), ("limit", "u32", None),), (("cursor", "u32", None), ("ops", "bytes", None),)),
    "roots": (22, (("list", "u32", None), ("ids", "bytes", None),), ()),
    "collect": (23, (("complete", "u32", None), ("milliseconds", "u32", None),), (("state", "u32", None), ("freed", "u32", None), ("work", "u32", None),)),
}

FORMATS = {"u8": "<B", "u16": "<H", "i32": "<i", "u32": "<I", "i64": "<q", "u64": "<Q", "f64": "<d"}


class AbiError(ValueError):
    """Bytes that are not what the reference says, or a value that has no bytes."""


class Table(dict):
    """A Lua table by value. Two are equal only if they are one, as in Lua, so that one can be a key of another."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def list(self):
        """The values of the keys 1 to n."""
        values = []
        while len(values) + 1 in self:
            values.append(self[len(values) + 1])
        return values


def to_text(data):
    """Bytes of Lua as text; bytes that are no UTF-8 become lone surrogates, which `to_bytes` takes back."""
    return bytes(data).decode("utf-8", "surrogateescape")


def to_bytes(text):
    """Text for Lua as bytes."""
    return bytes(text) if isinstance(text, (bytes, bytearray)) else text.encode("utf-8", "surrogateescape")


class Reader:
    """Reads items from bytes, one after another."""

    def __init__(self, data, place):
        self.data, self.place, self.at, self.tables = bytes(data), place, 0, []

    def take(self, length):
        """The next bytes."""
        if length > len(self.data) - self.at:
            raise AbiError(f"{length} bytes are needed at {self.at}, and {len(self.data) - self.at} are left")
        self.at += length
        return self.data[self.at - length:self.at]

    def number(self, kind):
        """The next number."""
        form = FORMATS[kind]
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def items(self, items):
        """What follows a tag, by the names of the items."""
        read = {}
        for name, kind, count, least, most in items:
            if kind in ("bytes", "text"):
                value = to_text(self.take(read[count[0]] - count[1]))
            else:
                value = self.number(kind)
            if least is not None and value < least or most is not None and value > most:
                raise AbiError(f"{value!r} is no {name}")
            read[name] = value
        return read

    def value(self):
        """The next value."""
        tag = self.number("u8")
        if self.place not in PLACES.get(tag, ()) or tag == TAG_MORE_RESULTS:
            raise AbiError(f"a value with the tag 0x{tag:02x} is no {self.place}")
        if tag == TAG_TABLE:
            return self.table()
        read = self.items(ITEMS[tag])
        if tag in CLASSES:
            return CLASSES[tag](**{name: read[name] for name in CLASSES[tag]._fields})
        if tag == TAG_NIL:
            return None
        if tag == TAG_SAME_TABLE:
            if read["number"] >= len(self.tables):
                raise AbiError(f"there is no table with the number {read['number']}")
            return self.tables[read["number"]]
        return bool(read["truth"]) if tag == TAG_BOOLEAN else read["string" if tag == TAG_STRING else "number"]

    def table(self):
        """A table by value, behind its tag."""
        table, elements, pairs = Table(), self.number("u32"), self.number("u32")
        self.tables.append(table)
        for index in range(elements):
            table[index + 1] = self.value()
        for _ in range(pairs):
            key = self.value()
            if key is None or key != key:
                raise AbiError("nil and NaN are no keys")
            # True and 1 are one key in Python, and two in Lua.
            table[("boolean", key) if isinstance(key, bool) else key] = self.value()
        return table

    def values(self):
        """All values up to the end."""
        values = []
        while self.at < len(self.data):
            values.append(self.value())
        return values


def decode_value(data, place="entry"):
    """The value that bytes are, as they stand in an entry, a result or an argument."""
    reader = Reader(data, place)
    value = reader.value()
    if reader.at < len(reader.data):
        raise AbiError(f"{len(reader.data) - reader.at} bytes follow the value")
    return value


def decode_values(data, place="result"):
    """The values that bytes are, one after another."""
    return Reader(data, place).values()


def decode_results(data):
    """The results of a run, from `PART_VALUES`, or from behind the output."""
    reader = Reader(data, "result")
    last, others = reader.value(), []
    if reader.at < len(reader.data) and reader.number("u8") == TAG_MORE_RESULTS:
        others = [reader.value() for _ in range(reader.number("u32") - 1)]
    return [*others, last]


def decode_success(data):
    """The output, as bytes, and the results that lie in the I/O buffer after a run that did not fail."""
    output = 4 + struct.unpack_from("<I", data)[0]
    return bytes(data[4:output]), decode_results(data[output:])


class Writer:
    """Writes values, one after another."""

    def __init__(self, place):
        self.place, self.data, self.tables = place, bytearray(), {}

    def number(self, kind, number):
        """A number of fixed size."""
        try:
            self.data += struct.pack(FORMATS[kind], number)
        except struct.error:
            raise AbiError(f"{number!r} is no {kind}") from None

    def items(self, tag, values):
        """A tag, and what follows it."""
        if self.place not in PLACES[tag]:
            raise AbiError(f"a value with the tag 0x{tag:02x} is no {self.place}")
        self.number("u8", tag)
        counts = {count[0]: name for name, kind, count, *_ in ITEMS[tag] if count}
        for name, kind, count, least, most in ITEMS[tag]:
            if kind in ("bytes", "text"):
                self.data += to_bytes(values[name])
            elif name in counts:
                self.number(kind, len(to_bytes(values[counts[name]])))
            else:
                self.number(kind, values.get(name, least if least == most else None))

    def value(self, value):
        """One value."""
        if value is None:
            self.items(TAG_NIL, {})
        elif isinstance(value, bool):
            self.items(TAG_BOOLEAN, {"truth": value})
        elif isinstance(value, int):
            self.items(TAG_INTEGER, {"number": value})
        elif isinstance(value, float):
            self.items(TAG_FLOAT, {"number": value})
        elif isinstance(value, (str, bytes, bytearray)):
            self.items(TAG_STRING, {"string": value})
        elif type(value) in TAGS:
            self.items(TAGS[type(value)], value._asdict())
        elif isinstance(value, (dict, list, tuple)):
            self.table(value)
        else:
            raise AbiError(f"a {type(value).__name__} has no form in Lua")

    def table(self, table):
        """A table by value, or its number if it was written before."""
        if id(table) in self.tables:
            return self.items(TAG_SAME_TABLE, {"number": self.tables[id(table)]})
        if self.place not in PLACES[TAG_TABLE]:
            raise AbiError(f"a table by value is no {self.place}")
        self.tables[id(table)] = len(self.tables)
        elements = list(table) if isinstance(table, (list, tuple)) else Table.list(table)
        pairs = {} if isinstance(table, (list, tuple)) else {k: v for k, v in table.items() if not is_element(k, elements)}
        self.number("u8", TAG_TABLE)
        self.number("u32", len(elements))
        self.number("u32", len(pairs))
        for element in elements:
            self.value(element)
        for key, value in pairs.items():
            self.value(key[1] if isinstance(key, tuple) and key[:1] == ("boolean",) else key)
            self.value(value)


def is_element(key, elements):
    """Whether a key is one of 1 to n."""
    return isinstance(key, int) and not isinstance(key, bool) and 1 <= key <= len(elements)


TAGS = {kind: tag for tag, kind in CLASSES.items()}


def encode_value(value, place="entry"):
    """The bytes of a value for an entry, or for an argument."""
    return encode_values([value], place)


def encode_values(values, place="argument"):
    """The bytes of values, one after another."""
    writer = Writer(place)
    for value in values:
        writer.value(value)
    return bytes(writer.data)


def key_form(key):
    """The text under which a host keeps a key."""
    if isinstance(key, bool):
        return "[true]" if key else "[false]"
    if isinstance(key, float) and -2.0**63 <= key < 2.0**63 and key == math.floor(key):
        key = int(key)
    if isinstance(key, int) and -2**63 <= key < 2**63:
        return f"[{key}]"
    if isinstance(key, float) and not math.isnan(key):
        return f"[{float_form(key)}]"
    if not isinstance(key, (str, bytes)):
        raise AbiError(f"{key!r} is no key of an external table")
    data = to_bytes(key)
    if len(data) > KEY_LIMIT:
        raise AbiError(f"a key has at most {KEY_LIMIT} bytes, this one has {len(data)}")
    text = to_text(data)
    if text and text[0] not in "[\ufeff" and not re.search("[\n\r\0\udc80-\udcff]", text):
        return text
    special = re.sub("[\n\r\0\udc80-\udcff]", lambda c: f"\\x{ord(c[0]) & 0xFF:02X}", text.replace("\\", "\\\\"))
    return f'["{special}"]'


def float_form(number):
    """A float as it stands in a key: the fewest digits from 15 on that are read back as the same number."""
    if math.isinf(number):
        return "inf" if number > 0 else "-inf"
    shown = next(text for text in (f"{number:.{digits}e}" for digits in (14, 15, 16)) if float(text) == number)
    mantissa, exponent = shown.split("e")
    sign, digits, exponent = "-" * (number < 0), mantissa.lstrip("-").replace(".", "").rstrip("0"), int(exponent)
    if not -5 <= exponent <= 15:
        return f"{sign}{digits[0]}{'.' * (len(digits) > 1)}{digits[1:]}e{exponent}"
    if exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    return f"{sign}{digits[:exponent + 1].ljust(exponent + 1, '0')}.{digits[exponent + 1:] or '0'}"


def key_of(form):
    """The key that a host keeps under a text."""
    inner = form[1:-1]
    if not re.fullmatch(FORM, form):
        raise AbiError(f"{form!r} is the form of no key")
    if not form.startswith("["):
        key = form
    elif inner.startswith('"'):
        data = re.sub(rb"\\(\\|x(..))", lambda m: bytes([int(m[2], 16)]) if m[2] else b"\\", to_bytes(inner[1:-1]))
        key = to_text(data)
    elif inner in ("true", "false"):
        key = inner == "true"
    else:
        key = int(inner) if re.fullmatch("-?[0-9]+", inner) else float(inner)
    if key_form(key) != form:
        raise AbiError(f"{form!r} is the form of no key: it is written {key_form(key)!r}")
    return key


def read_request(request):
    """The name of the service that a request asks for, and its arguments; None for one that there is not."""
    service = next((item for item in SERVICES.items() if request[:1] == bytes([item[1][0]])), None)
    if service is None:
        return None
    name, (_, arguments, _) = service
    reader, read = Reader(request[1:], ""), []
    try:
        for _, kind, _ in arguments:
            read.append(reader.number(kind) if kind in FORMATS else reader.take(len(reader.data) - reader.at))
    except AbiError:
        return None
    return (name, read) if reader.at == len(reader.data) else None


def reply_of(service, *fields):
    """The reply of a service; its last fields may be left out if they have defaults."""
    reply = b""
    for (_, kind, _), field in zip(SERVICES[service][2], fields):
        reply += struct.pack(FORMATS[kind], field) if kind in FORMATS else bytes(field)
    return reply
