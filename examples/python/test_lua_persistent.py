"""Tests the host in Python: with the conformance kit for hosts, with the test vectors, and by what it is for."""

import functools
import json
import math
import os
import tempfile
import unittest
from pathlib import Path

import wasmtime

import lua_abi as abi
from lua_persistent import Host, Lua, LuaError, Tables

ROOT = Path(__file__).resolve().parents[2]
MODULE = str(ROOT / "web/lua-exnref.wasm")
VECTORS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "web/abi").glob("*.json")}


# Compiling a module takes most of a second: once for all tests.
wasmtime.Module.from_file = functools.cache(wasmtime.Module.from_file)


def machine(tables=None):
    """A machine, and the list of what it prints."""
    printed = []
    return Lua(MODULE, tables, lambda piece: printed.append(abi.to_text(piece))), printed


class Kit(unittest.TestCase):
    """The conformance kit, as its README says."""

    def test_the_host_keeps_every_promise(self):
        for tables in (Tables(), Tables(os.path.join(tempfile.mkdtemp(), "kit.db"))):
            host = Host(tables, lambda piece: None)
            kit = host.instantiate(str(ROOT / "hosts/kit/kit.wasm"))
            host.functions = {1: ("kit_echo", lambda *values: values), 2: ("kit_again", lambda: kit["again"](host.store))}

            def call(name, *numbers):
                return kit[name](host.store, *numbers)

            def text(address):
                length = int.from_bytes(host.read(address, 4), "little")
                return host.read(address + 4, length).decode()

            call("run")
            promises = {call("promise_outcome", n): text(call("promise_name", n)) for n in range(call("promise_count"))}
            broken = [f"{text(call('promise_name', n))}: {text(call('promise_message', n))}"
                      for n in range(call("promise_count")) if call("promise_outcome", n) == 2]
            self.assertEqual(broken, [])
            self.assertEqual(set(promises), {1, 3})
            self.assertGreater(call("passed"), 80)
            self.assertEqual(call("tested"), call("passed"))


class Vectors(unittest.TestCase):
    """The test vectors for all hosts."""

    def test_values_are_read_and_written(self):
        for vector in VECTORS["values"]["values"]:
            data = bytes.fromhex(vector["bytes"])
            for place in vector["where"]:
                with self.subTest(place=place, **vector):
                    if vector.get("tag") == "TAG_MORE_RESULTS":
                        self.assertEqual(len(abi.decode_results(data)), 2)
                        continue
                    value = abi.decode_value(data, place)
                    self.assertEqual(abi.encode_value(value, place).hex(), vector["bytes"])

    def test_each_tag_is_among_them(self):
        tags = {getattr(abi, vector["tag"]) for vector in VECTORS["values"]["values"] if "tag" in vector}
        self.assertEqual(tags, set(abi.ITEMS))

    def test_bytes_that_are_no_value_are_refused(self):
        for vector in VECTORS["values"]["refused"]:
            for place in vector["where"]:
                with self.subTest(place=place, **vector), self.assertRaises(abi.AbiError):
                    abi.decode_value(bytes.fromhex(vector["bytes"]), place)

    def test_keys_have_their_forms(self):
        for vector in VECTORS["keys"]["keys"]:
            with self.subTest(**vector):
                self.assertEqual(abi.key_form(abi.key_of(vector["form"])), vector["form"])

    def test_keys_of_lua_have_the_forms_that_python_gives_them(self):
        lua, _ = machine()
        for vector in VECTORS["keys"]["keys"]:
            with self.subTest(**vector):
                (key,) = lua.compute(f"return {vector['lua']}")
                self.assertEqual(abi.key_form(key), vector["form"])

    def test_results_are_read(self):
        for vector in VECTORS["results"]["success"]:
            if not vector["bytes"]:
                continue
            with self.subTest(**vector):
                output, results = abi.decode_success(bytes.fromhex(vector["bytes"]))
                self.assertEqual((output.hex(), len(results)), (vector["output"], len(vector["results"])))
                plain = [(result, data) for result, data in zip(results, vector["results"]) if not isinstance(result, dict)]
                for result, data in plain:
                    self.assertEqual(abi.encode_value(result, "argument").hex(), data)

    def test_a_machine_ends_as_the_vectors_say(self):
        for vector in VECTORS["results"]["failure"]:
            lua, _ = machine()
            with self.subTest(**vector):
                if vector["status"] == "STATUS_TOO_LARGE":
                    self.assertEqual(len(lua.compute(vector["lua"])[0]), 70_000)
                    continue
                with self.assertRaises(LuaError) as caught:
                    lua.compute(vector["lua"])
                self.assertTrue(str(caught.exception).startswith(vector["message"]))
                self.assertEqual(caught.exception.status, getattr(abi, vector["status"]))

    def test_requests_are_read_and_replies_written(self):
        for vector in VECTORS["services"]["requests"]:
            with self.subTest(**vector):
                name, arguments = abi.read_request(bytes.fromhex(vector["bytes"]))
                shown = [value.hex() if isinstance(value, bytes) else value for value in arguments]
                self.assertEqual((name, shown), (vector["service"], list(vector["arguments"].values())))
                self.assertIsNone(abi.read_request(b"\x63" + bytes.fromhex(vector["bytes"])[1:]))
        for vector in VECTORS["services"]["replies"]:
            with self.subTest(**vector):
                kinds = [kind for _, kind, _ in abi.SERVICES[vector["service"]][2]]
                fields = [bytes.fromhex(field) if kind == "bytes" else int(field) if kind == "u64" else field
                          for kind, field in zip(kinds, vector["reply"].values())]
                self.assertEqual(abi.reply_of(vector["service"], *fields).hex(), vector["bytes"])

    def test_texts_that_are_no_form_are_refused(self):
        for vector in VECTORS["keys"]["refused"]:
            with self.subTest(**vector), self.assertRaises(abi.AbiError):
                abi.key_of(vector["form"])


class Machine(unittest.TestCase):
    """What the host is for."""

    def test_results_output_and_locals(self):
        lua, printed = machine()
        self.assertEqual(lua.compute("print('one', 2) return 1, 2.5, 'three', nil, true, math.huge"), [1, 2.5, "three", None, True, math.inf])
        self.assertEqual(printed, ["one\t2\n"])
        self.assertEqual(lua.eval("local x = 5 + 3"), [8])
        self.assertEqual(lua.eval("x * 2"), [16])
        self.assertEqual(lua.compute(""), [])

    def test_tables_by_value(self):
        lua, _ = machine()
        (table,) = lua.compute("local t = {1, 'b', x = {y = 1}, [true] = 2} t.self = t return t")
        self.assertEqual((table.list(), table["x"]["y"], table[("boolean", True)]), ([1, "b"], 1, 2))
        self.assertIs(table["self"], table)
        lua.set("t", table)
        self.assertEqual(lua.compute("return t.self == t, #t, t.x.y, t[true]"), [True, 2, 1, 2])
        lua.set("config", {"name": "n", 1: "first", "list": [1, [2, 3]], 2.5: None})
        self.assertEqual(lua.get("config.list").list()[1].list(), [2, 3])

    def test_what_is_longer_than_the_buffer(self):
        lua, printed = machine()
        self.assertEqual(lua.compute(f"return #[[{'z' * 200_000}]]"), [200_000])
        self.assertEqual(lua.compute("return ('x'):rep(200000), 2"), ["x" * 200_000, 2])
        lua.compute("for i = 1, 20000 do print(i) end")
        self.assertEqual("".join(printed), "".join(f"{n}\n" for n in range(1, 20_001)))

    def test_errors(self):
        lua, _ = machine()
        with self.assertRaises(LuaError) as caught:
            lua.compute("local function f() error('no, ' .. ('x'):rep(300)) end f()")
        self.assertTrue(str(caught.exception).endswith("no, " + "x" * 300))
        self.assertIn("stack traceback", caught.exception.traceback)
        self.assertEqual(caught.exception.status, abi.STATUS_RUNTIME_ERROR)
        with self.assertRaises(LuaError) as caught:
            lua.compute("return +")
        self.assertEqual(caught.exception.status, abi.STATUS_SYNTAX_ERROR)
        with self.assertRaises(abi.AbiError):
            lua.set("x", object())
        self.assertEqual(lua.compute("return 'still there'"), ["still there"])

    def test_functions_of_python(self):
        lua, _ = machine()
        lua.set("add", lambda a, b: a + b)
        lua.set("two", lambda: (1, "b"))
        lua.set("nested", lambda: lua.compute("return add(20, 1) * 2")[0])
        lua.set("long", lambda length: "y" * length)
        self.assertEqual(lua.compute("return add(1, 2), add('a', 'b'), (two()), select('#', two()), nested(), #long(70000)"),
                         [3, "ab", 1, 2, 42, 70_000])
        with self.assertRaises(LuaError) as caught:
            lua.compute("add(1, 'x')")
        self.assertIsInstance(caught.exception.__cause__, TypeError)
        self.assertEqual(lua.compute("return (select(2, pcall(add, 1, 'x'))):match('TypeError')"), ["TypeError"])

    def test_functions_of_lua(self):
        lua, _ = machine()
        self.assertEqual(lua.call("string.rep", "ab", 3), ["ababab"])
        (double,) = lua.compute("return function(x) return x * 2 end")
        self.assertEqual(lua.call(double, 21), [42])

    def test_an_exception_of_the_tables_is_an_error_in_lua(self):
        class Full(Tables):
            def store(self, table, key, value):
                raise OSError("the disk is full")
        lua, _ = machine(Full())
        with self.assertRaises(LuaError) as caught:
            lua.compute("_home.x = 1")
        self.assertIsInstance(caught.exception.__cause__, OSError)
        self.assertEqual(lua.compute("return _home.x"), [None])

    def test_state_lasts(self):
        path = os.path.join(tempfile.mkdtemp(), "state.db")
        for visit in range(1, 4):
            lua, _ = machine(Tables(path))
            self.assertEqual(lua.compute("_home.visits = (_home.visits or 0) + 1 return _home.visits"), [visit])
            if visit == 1:
                lua.compute("_home.list = {3, 2, 1} local n = 0 function _home.up() n = n + 1 return n end")
            self.assertEqual(lua.compute("table.insert(_home.list, 'x') return #_home.list, _home.up()"), [3 + visit, visit])
        order = lua.compute("local keys = {} for k in pairs(_home) do keys[#keys + 1] = k end return table.concat(keys, ' ')")
        self.assertEqual(order, ["visits list up"])

    def test_the_clock_and_chance(self):
        first, second = machine()[0], machine()[0]
        code = "return os.time() > 1577836800, os.clock() >= 0, math.random(0)"
        (is_now, has_clock, one), (_, _, other) = first.compute(code), second.compute(code)
        self.assertTrue(is_now and has_clock)
        self.assertNotEqual(one, other)


if __name__ == "__main__":
    unittest.main()
