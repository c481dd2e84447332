"""Runs Lua in Python: a host of lua-exnref.wasm on wasmtime, with the constants and codecs of lua_abi.py.

    lua = Lua("web/lua-exnref.wasm", Tables("state.db"))
    lua.compute("_home.visits = (_home.visits or 0) + 1 return _home.visits")   # [1], and [2] in the next process
"""

import secrets
import sqlite3
import sys
import time

import wasmtime

import lua_abi as abi

CONFIG = wasmtime.Config()
CONFIG.wasm_exceptions = True
ENGINE = wasmtime.Engine(CONFIG)


class LuaError(Exception):
    """An error in Lua. What a Python function threw that Lua called is its `__cause__`."""

    def __init__(self, message, status, traceback):
        super().__init__(message)
        self.status, self.traceback = status, traceback


class Tables(dict):
    """External tables: the values of each table by key, both as bytes. Changes are written to a database, and last."""

    def __init__(self, path=":memory:"):
        self.base = sqlite3.connect(path)
        self.base.execute("CREATE TABLE IF NOT EXISTS entries (place INTEGER PRIMARY KEY AUTOINCREMENT,"
                          " id INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, UNIQUE (id, key))")
        for table, key, value in self.base.execute("SELECT id, key, value FROM entries ORDER BY place"):
            self.setdefault(table, {})[key] = value

    def store(self, table, key, value):
        # A key that is there keeps its row, and with it its place.
        self.base.execute("INSERT INTO entries (id, key, value) VALUES (?, ?, ?)"
                          " ON CONFLICT (id, key) DO UPDATE SET value = excluded.value", (table, key, value))
        self.setdefault(table, {})[key] = value

    def delete(self, table, key):
        self.base.execute("DELETE FROM entries WHERE id = ? AND key = ?", (table, key))
        self.get(table, {}).pop(key, None)


class Host:
    """What a module imports: tables, and the services that have a method `serve_`."""

    def __init__(self, tables, output):
        self.tables, self.output = tables, output
        self.functions, self.rest, self.thrown = {}, b"", None

    def instantiate(self, path):
        """The exports of a module that has this host as its imports."""
        self.store, linker = wasmtime.Store(ENGINE), wasmtime.Linker(ENGINE)
        for handler, (name, params) in abi.IMPORTS.items():
            kind = wasmtime.FuncType([wasmtime.ValType.i32()] * params, [wasmtime.ValType.i32()])
            linker.define_func(abi.IMPORT_MODULE, name, kind, self.guarded(getattr(self, handler)))
        exports = linker.instantiate(self.store, wasmtime.Module.from_file(ENGINE, path)).exports(self.store)
        self.memory = exports[abi.MEMORY]
        return exports

    def guarded(self, handler):
        """A handler that is given numbers without sign, and whose exceptions do not reach the module."""
        def call(*numbers):
            try:
                return handler(*(number & 0xFFFFFFFF for number in numbers))
            except BaseException as error:  # the module goes on, and Lua gets an error
                self.thrown = error
                return abi.THREW
        return call

    def read(self, at, length):
        return bytes(self.memory.read(self.store, at, at + length))

    def answer(self, data, at, room):  # the length of the data, negated if they do not fit
        if data is None or len(data) > room:
            return abi.REPLY_NONE if data is None else -len(data)
        if data:
            self.memory.write(self.store, data, at)
        return len(data)

    def set(self, table, key, key_length, value, length):
        self.tables.store(table, self.read(key, key_length), self.read(value, length))
        return 0

    def get(self, table, key, key_length, at, room):
        key = self.read(key, key_length)
        return self.answer(self.tables.get(table, {}).get(key) if table else self.serve(key), at, room)

    def delete(self, table, key, key_length):
        self.tables.delete(table, self.read(key, key_length))
        return 0

    def size(self, table):
        return len(self.tables.get(table, ()))

    def keys(self, table, at, room):
        return self.answer(b"\n".join(self.tables.get(table, ())), at, room)

    def serve(self, request):  # None for a service that is not offered
        name, arguments = abi.read_request(request) or ("", ())
        service = getattr(self, f"serve_{name}", None)
        return service and service(*arguments)

    def serve_negotiate(self, _version):
        offered = sum(1 << number for name, (number, _, _) in abi.SERVICES.items() if hasattr(self, f"serve_{name}"))
        return abi.reply_of("negotiate", offered, 1 << 20, 0)

    def serve_clock(self):
        return abi.reply_of("clock", time.time(), time.process_time())

    def serve_entropy(self):
        return secrets.token_bytes(16)

    def serve_output(self, piece):
        self.output(piece)
        return b""

    def serve_find_function(self, name):
        number = next((number for number, (known, _) in self.functions.items() if known == abi.to_text(name)), None)
        return number and abi.reply_of("find_function", number)

    def serve_call(self, request):
        number, arguments = int.from_bytes(request[:4], "little"), abi.decode_values(request[4:])
        try:
            results = self.functions[number][1](*arguments)
            results = results if isinstance(results, tuple) else () if results is None else (results,)
            self.rest = bytes([abi.CALL_RESULTS]) + abi.encode_values(results)
        except Exception as error:  # becomes an error in Lua
            self.thrown, message = error, f"{type(error).__name__}: {error}"
            self.rest = bytes([abi.CALL_ERROR]) + bytes(4) + abi.encode_values([message, None])
        return self.rest

    def serve_rest(self):
        return self.rest


class Lua:
    """A Lua machine. `compute` runs a chunk, `eval` a line of a console; both give the list of results. `get` and `set` take
    a global or a path of fields, `call` also a Lua function; a Python function that is set can be called in Lua."""

    def __init__(self, path, tables=None, output=lambda piece: sys.stdout.write(abi.to_text(piece))):
        self.host = Host(Tables() if tables is None else tables, output)
        self.exports = self.host.instantiate(path)
        if self.export("init") != 0:
            raise LuaError("Lua could not be started", abi.STATUS_MEMORY_ERROR, "")

    def export(self, name, *numbers):
        return self.exports[name](self.host.store, *numbers)

    def compute(self, code, flags=0):
        return self.run(code, lambda at, length: self.export("execute", at, length, at, 0, flags))

    def eval(self, code):
        return self.compute(code, abi.EXECUTE_CONSOLE)

    def get(self, path):
        return self.run(path, lambda *code: self.export("get_global", *code))[0]

    def set(self, path, value):
        if callable(value):
            self.host.functions[len(self.host.functions) + 1] = (path, value)
            value = abi.HostFunction(len(self.host.functions), path)
        self.run(abi.encode_values([path, value]), lambda *values: self.export("set_global", *values))

    def call(self, function, *arguments):
        return self.run(abi.encode_values([function, *arguments]), lambda *all: self.export("call_function", *all))

    def run(self, data, function):
        """Puts bytes into the module, runs an export on them, and reads the results. `output` gets what is printed."""
        data, buffer, block = abi.to_bytes(data), self.export("get_buffer_ptr"), 0
        if len(data) > abi.IO_BUFFER_SIZE:
            block = self.export("lua_alloc", 0, 0, 0, len(data))
            if block == 0:
                raise LuaError(f"Lua has no memory for {len(data)} bytes", abi.STATUS_MEMORY_ERROR, "")
        self.host.memory.write(self.host.store, data, block or buffer)
        self.host.thrown = None
        left = function(block or buffer, len(data))
        left_there, status = self.host.read(buffer, max(left, 0)), self.export("get_status")
        self.export("lua_alloc", 0, block, len(data), 0)
        self.host.tables.base.commit()
        if left < 0 and status == abi.STATUS_TOO_LARGE:
            return abi.decode_results(self.part(abi.PART_VALUES))
        if left < 0:
            message, traceback = (abi.to_text(self.part(part)) for part in (abi.PART_MESSAGE, abi.PART_TRACEBACK))
            raise LuaError(message, status, traceback) from self.host.thrown
        output, results = abi.decode_success(left_there) if left else (b"", [])
        self.host.output(output)
        return results

    def part(self, part):
        at, data = self.export("get_buffer_ptr"), b""
        while (length := self.export("result_read", part, len(data), at, abi.IO_BUFFER_SIZE)) > 0:
            data += self.host.read(at, length)
        return data
