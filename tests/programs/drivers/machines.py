"""Interpreters, databases and parsers as libraries."""

from __future__ import annotations

from typing import Any

from tests.programs.drivers.bindings import emscripten, put
from tests.programs.lab import Guest, Lab
from tests.programs.registry import Program


def _c_string(guest: Guest, text: str) -> int:
    return put(guest, text.encode() + b"\0", guest.malloc)


LUA = """
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local words = {}
local text = "the quick brown fox jumps over the lazy dog"
for word in string.gmatch(text, "%a+") do table.insert(words, word) end
table.sort(words)
local fine, why = pcall(function() error("thrown") end)
assert(not fine and why:find("thrown"))
return fib(15) .. ":" .. table.concat(words, ",") .. ":" .. string.format("%.3f", math.pi)
"""


class Longjmp(Exception):
    """A longjmp on its way through WebAssembly frames to the call that guards its setjmp."""


class Jumps:
    """setjmp and longjmp as emscripten lowers them: what may jump is called by the host, which catches."""

    def __init__(self) -> None:
        self.guest: Guest | None = None
        self._high = 0

    def longjmp(self, buffer: int, value: int) -> None:
        """``emscripten_longjmp``."""
        assert self.guest is not None
        self.guest.setThrew(buffer, value or 1)
        raise Longjmp

    def invoke(self, index: int, *args: int) -> None:
        """``invoke_vii``: call a table's element; a jump restores the stack and says so to the caller."""
        assert self.guest is not None
        guest = self.guest
        stack = guest.stackSave()
        try:
            guest.export("__indirect_function_table").get(guest.store, index)(guest.store, *args)
        except Longjmp:
            guest.stackRestore(stack)
            guest.setThrew(1, 0)

    def set_high(self, value: int) -> None:
        """``setTempRet0``."""
        self._high = value

    def get_high(self) -> int:
        """``getTempRet0``."""
        return self._high


def lua(lab: Lab, program: Program) -> None:
    """Lua 5.1: a script that recurses, matches, sorts, throws. ``args`` pair exports with their letters."""
    names = dict(pair.split("=") for pair in program.args)
    jumps = Jumps()
    hosts = {"A": lambda *_: 0, "z": lambda *_: 0, "g": jumps.longjmp, "l": jumps.invoke}
    hosts |= {"b": jumps.set_high, "e": jumps.get_high}
    guest = emscripten(lab, copy="E", grow="n", start="__wasm_call_ctors", names=names, hosts=hosts)
    jumps.guest = guest
    state = guest.luaL_newstate()
    guest.luaL_openlibs(state)
    script = _c_string(guest, LUA)
    assert guest.luaL_loadbuffer(state, script, len(LUA), _c_string(guest, "=script")) == 0
    assert guest.lua_pcall(state, 0, 1, 0) == 0
    found = guest.string(guest.lua_tolstring(state, -1, 0))
    assert found == "610:brown,dog,fox,jumps,lazy,over,quick,the,the:3.142", found


SQL = (
    "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, score REAL);"
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
    " INSERT INTO t SELECT i, 'name' || (i % 7), i * 0.5 FROM n;"
    "CREATE INDEX by_name ON t(name);"
)
QUERY = "SELECT name, count(*), sum(score), max(id) FROM t GROUP BY name ORDER BY sum(score) DESC LIMIT 3"


def sqlite(lab: Lab, _: Program) -> None:
    """SQLite in memory: a thousand rows, an index, a grouped query, against Python's own sqlite3."""
    import sqlite3

    guest = emscripten(
        lab, grow="emscripten_resize_heap", start="emscripten_stack_init", hosts=CLOCKS, wasi=True
    )
    guest.__set_stack_limits(guest.emscripten_stack_get_base(), guest.emscripten_stack_get_end())
    guest.export("__wasm_call_ctors")(guest.store)
    handle = guest.malloc(4)
    assert guest.sqlite3_open(_c_string(guest, ":memory:"), handle) == 0
    database = guest.u32(handle)
    assert guest.sqlite3_exec(database, _c_string(guest, SQL), 0, 0, 0) == 0
    statement = guest.malloc(4)
    assert guest.sqlite3_prepare_v2(database, _c_string(guest, QUERY), -1, statement, 0) == 0
    query = guest.u32(statement)
    rows = []
    while guest.sqlite3_step(query) == 100:
        rows.append(tuple(guest.string(guest.sqlite3_column_text(query, i)) for i in range(4)))
    ours = sqlite3.connect(":memory:")
    ours.executescript(SQL)
    assert rows == [tuple(map(str, row)) for row in ours.execute(QUERY)]
    ours.close()


CLOCKS: dict[str, Any] = {
    "emscripten_date_now": lambda: 1.7e12,
    "emscripten_get_now": lambda: 1.0e3,
    "_emscripten_get_now_is_monotonic": lambda: 1,
    "emscripten_get_heap_max": lambda: 1 << 31,
    "__assert_fail": lambda *_: None,
}


def quickjs(lab: Lab, _: Program) -> None:
    """QuickJS of quickjs-emscripten: a script with closures, regular expressions, JSON and big integers."""
    hosts = {
        "p": lambda: 1.7e12,
        "n": lambda *_: None,
        "m": lambda *_: None,
        "i": lambda _: 0,
        "e": lambda *_: 0,
        "f": lambda *_: 0,
    }
    names = {
        "malloc": "v", "runtime": "K", "context": "N", "eval": "pa",
        "number": "Z",
    }  # fmt: skip
    guest = emscripten(lab, grow="k", start="u", names=names, hosts=hosts, memory=("a.a", 256, 32_768))
    context = guest.context(guest.runtime(), 0)
    script = (
        "const fib = n => n < 2 ? n : fib(n - 1) + fib(n - 2);"
        "const words = 'b22 a1 c333'.replace(/[a-z](\\d+)/g, (_, d) => d.length).split(' ').map(Number);"
        "const all = {x: [fib(15), ...words, Number(2n ** 70n % 1000n)]};"
        "JSON.parse(JSON.stringify(all)).x.reduce((a, b) => a + b)"
    )
    at = _c_string(guest, script)
    value = guest.eval(context, at, len(script), _c_string(guest, "test.js"), 0, 0)
    assert guest.number(context, value) == 610 + 2 + 1 + 3 + 2**70 % 1000


def llhttp(lab: Lab, _: Program) -> None:
    """Node's HTTP parser: a request in two pieces, with a chunked body."""
    seen: list[tuple[str, bytes]] = []
    guests: list[Guest] = []

    def span(kind: str) -> Any:
        def host(_: int, at: int, size: int) -> int:
            seen.append((kind, guests[0].read(at, size)))
            return 0

        return host

    kinds = {
        f"wasm_on_{kind}": span(kind) for kind in ("url", "status", "header_field", "header_value", "body")
    }
    hosts = {
        **kinds,
        "wasm_on_message_begin": lambda _: 0,
        "wasm_on_headers_complete": lambda *_: 0,
        "wasm_on_message_complete": lambda _: seen.append(("end", b"")) or 0,
    }
    guest = lab.library(hosts)
    guests.append(guest)
    parser = guest.llhttp_alloc(1)  # a request
    text = (
        b"POST /path?q=1 HTTP/1.1\r\nHost: example.org\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    )
    at = put(guest, text, guest.malloc)
    for start, end in ((0, 40), (40, len(text))):
        assert guest.llhttp_execute(parser, at + start, end - start) == 0, guest.string(
            guest.llhttp_get_error_reason(parser)
        )
    joined: dict[str, bytes] = {}
    for kind, data in seen:
        joined[kind] = joined.get(kind, b"") + data
    assert joined["url"] == b"/path?q=1"
    assert joined["header_field"] == b"HostTransfer-Encoding"
    assert joined["header_value"] == b"example.orgchunked"
    assert joined["body"] == b"hello world"
    assert seen[-1] == ("end", b"")
    assert (guest.llhttp_get_http_major(parser), guest.llhttp_get_http_minor(parser)) == (1, 1)


def roaring(lab: Lab, _: Program) -> None:
    """CRoaring: sets of integers against Python's."""
    names = {
        "create": "l",
        "add": "Y",
        "and_cardinality": "E",
        "remove": "ca",
        "minimum": "Z",
        "cardinality": "m",
    }
    guest = emscripten(lab, copy="a.f", names=names)
    first = {i * i % 70_001 for i in range(3000)}
    second = {i * 3 % 70_001 for i in range(20_000)}
    bitmaps = []
    for members in (first, second):
        bitmap = guest.create(0)
        for member in members:
            guest.add(bitmap, member)
        bitmaps.append(bitmap)
    a, b = bitmaps
    assert guest.and_cardinality(a, b) == len(first & second)
    assert guest.minimum(a) == 0
    guest.remove(a, 0)
    assert guest.minimum(a) == min(first - {0})


def secp256k1(lab: Lab, _: Program) -> None:
    """tiny-secp256k1 (Rust around Bitcoin's C): G and 2G in two ways; a signature fits its text only."""
    hosts = {"generateInt32": lambda: 4, "throwError": lambda code: None}
    guest = lab.library(hosts)
    guest.initializeContext()

    def area(name: str) -> int:
        return guest.export(name).value(guest.store) & 0xFFFFFFFF

    generator = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    double = "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
    private, public = area("PRIVATE_INPUT"), area("PUBLIC_KEY_INPUT")
    for scalar, expected in ((1, generator), (2, double)):
        guest.write(private, scalar.to_bytes(32, "big"))
        assert guest.pointFromScalar(33) == 1
        assert guest.read(public, 33).hex() == expected
    guest.write(public, bytes.fromhex(generator))
    guest.write(area("TWEAK_INPUT"), (1).to_bytes(32, "big"))
    assert guest.pointAddScalar(33, 33) == 1
    assert guest.read(public, 33).hex() == double
    digest = bytes(range(32))
    guest.write(area("HASH_INPUT"), digest)
    guest.write(private, (12345).to_bytes(32, "big"))
    guest.pointFromScalar(33)
    guest.sign(0)
    assert guest.verify(33, 0) == 1
    guest.write(area("HASH_INPUT"), digest[::-1])
    assert guest.verify(33, 0) == 0


def cjs_lexer(lab: Lab, _: Program) -> None:
    """Node's CommonJS lexer: the names that a module exports."""
    guest = lab.library()
    source = (
        "exports.alpha = 1; module.exports.beta = function () {};"
        "Object.defineProperty(exports, 'gamma', { value: 1 });"
    )
    start = guest.sa(len(source)) & 0xFFFFFFFF
    guest.write(start, source.encode("utf-16-le"))
    assert guest.parseCJS(start, len(source), 0, 0, 0, 0) == 0
    found = []
    while guest.re():
        found.append(source[guest.es() : guest.ee()].strip("'"))
    assert sorted(found) == ["alpha", "beta", "gamma"], found


def es_lexer(lab: Lab, _: Program) -> None:
    """The ES module lexer that bundlers use: imports with their places, exports with their names."""
    guest = lab.library()
    guest._initialize()
    source = "import a from 'first';\nimport('second');\nexport const gamma = 1;\n"
    start = guest.sa(len(source)) & 0xFFFFFFFF
    guest.write(start, source.encode("utf-16-le") + b"\0\0")
    assert guest.parse() == 1
    found = []
    while guest.ri():
        found.append((getattr(guest, "is")(), guest.ie()))
    assert [source[s:e].strip("'") for s, e in found] == ["first", "second"], found


def argon2(lab: Lab, _: Program) -> None:
    """The reference implementation's own test vector (its test.c: version 19, t=2, m=256 KiB, p=1)."""
    names = {"hash": "e", "malloc": "f", "free": "g"}
    guest = emscripten(lab, copy="a.a", grow="a.b", start="d", names=names)
    password, salt = put(guest, b"password", guest.malloc), put(guest, b"somesalt", guest.malloc)
    for kind, expected in (
        (1, "89e9029f4637b295beb027056a7336c414fadd43f6b208645281cb214a56452f"),
        (2, "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"),
    ):
        out = guest.malloc(32)
        assert guest.hash(2, 256, 1, password, 8, salt, 8, out, 32, 0, 0, kind, 0x13) == 0
        assert guest.read(out, 32).hex() == expected


def source_map(lab: Lab, _: Program) -> None:
    """Mozilla's source-map: the mappings of the format's own example, in order."""
    seen: list[tuple[int, ...]] = []
    guest = lab.library({"mapping_callback": lambda *mapping: seen.append(mapping)})
    mappings = b";EAAC,AAAA;EACA,CAAC"
    at = guest.allocate_mappings(len(mappings)) & 0xFFFFFFFF
    guest.write(at, mappings)
    parsed = guest.parse_mappings(at)
    assert parsed, guest.get_last_error()
    guest.by_generated_location(parsed)
    places = [(m[0], m[1], m[6], m[7]) for m in seen]
    assert places == [(1, 2, 0, 1), (1, 2, 0, 1), (2, 2, 1, 1), (2, 3, 1, 2)], seen


def dprint_json(lab: Lab, _: Program) -> None:
    """dprint's JSON formatter (Rust): comments stay, spacing goes right."""
    guest = lab.library()

    def send(data: bytes) -> None:
        guest.clear_shared_bytes(len(data))
        guest.write(guest.get_shared_bytes_ptr(), data)

    def receive(size: int) -> str:
        return guest.read(guest.get_shared_bytes_ptr(), size).decode()

    assert guest.dprint_plugin_version_4() == 4
    send(b'{"global": {}, "plugin": {"indentWidth": 4}}')
    guest.register_config(1)
    send(b"/data.json")
    guest.set_file_path()
    send(b'{"a":[1,2 ,3],\n// note\n"b":   {"c":null}}')
    assert guest.format(1) == 1
    found = receive(guest.get_formatted_text())
    assert found == '{\n    "a": [1, 2, 3],\n    // note\n    "b": { "c": null }\n}\n', found


DRIVERS = {
    "lua": lua,
    "sqlite": sqlite,
    "quickjs": quickjs,
    "llhttp": llhttp,
    "roaring": roaring,
    "secp256k1": secp256k1,
    "cjs_lexer": cjs_lexer,
    "es_lexer": es_lexer,
    "argon2": argon2,
    "source_map": source_map,
    "dprint_json": dprint_json,
}
