"""Reads and writes what crosses the boundary: the part of lua_abi.py that is the same for every exports.toml.

The generator copies it from the marked line on, behind what it makes of the manifest.
"""

import math
import re
import struct

from lua_abi import CLASSES, FORM, ITEMS, KEY_LIMIT, PLACES, SERVICES
from lua_abi import TAG_BOOLEAN, TAG_FLOAT, TAG_INTEGER, TAG_MORE_RESULTS, TAG_NIL, TAG_SAME_TABLE, TAG_STRING, TAG_TABLE

# lua_abi.py has what follows.

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
