"""Reads the official suite's scripts: s-expressions with positions, and the commands they spell.

Modules in the text format stay text (``vm.text`` reads them); only their extent is needed here. The script
language is described in the specification repository, ``interpreter/README.md``. What is no script raises
``TextError``, with line and column.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from vm.text import lexer

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+|;;[^\r\n]*)
      |(?P<comment>\(;)
      |(?P<open>\()
      |(?P<close>\))
      |(?P<string>"(?:[^"\\]|\\.)*")
      |(?P<atom>[^\s()";]+|;)""",
    re.VERBOSE | re.DOTALL,
)
_COMMENT_EDGE = re.compile(r"\(;|;\)")
_ESCAPE = re.compile(rb"\\(u\{([0-9a-fA-F_]+)\}|[0-9a-fA-F]{2}|.)", re.DOTALL)
_SIMPLE_ESCAPES = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}


@dataclass(slots=True)
class Node:
    """One parenthesised expression; atoms are ``str``, string literals ``bytes``."""

    items: list[Item]
    start: int
    end: int
    line: int

    @property
    def head(self) -> str:
        """The first atom, or an empty string."""
        return self.items[0] if self.items and isinstance(self.items[0], str) else ""


Item = Node | str | bytes


@dataclass(slots=True)
class ModuleSource:
    """A module as the script gives it. ``form`` is "text", "quote" (both with ``text``) or "binary"."""

    name: str | None
    form: str
    text: str = ""
    binary: bytes = b""


@dataclass(slots=True)
class Action:
    """``invoke`` or ``get`` of an export; ``module`` None is the latest instance."""

    kind: str
    module: str | None
    export: str
    args: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Command:
    """One command; which fields are set follows from ``kind``, the command's own word.

    ``module_definition`` and ``module_instance`` are the two halves of ``module``.
    """

    kind: str
    line: int
    module: ModuleSource | None = None
    action: Action | None = None
    expected: list[Node] = field(default_factory=list)
    message: str = ""
    names: tuple[str | None, ...] = ()


def parse_script(text: str) -> Iterator[Command]:
    """The commands of a script, in order; the text is read only as far as commands are asked for."""
    first = True
    for node in parse(text):
        if node.head.startswith("@"):
            continue
        if node.head in _COMMANDS:
            yield _COMMANDS[node.head](node, text)
        elif first:  # fields without `(module ...)` around them: the file is one module
            yield Command("module", 1, ModuleSource(None, "text", f"(module {text})"))
            return
        else:
            yield Command(node.head, node.line)
        first = False


def parse(text: str) -> Iterator[Node]:
    """The top-level expressions of ``text``, without annotations."""
    stack: list[Node] = []
    at = 0
    line, counted = 1, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise lexer.error(text, at, "unclosed string" if text[at] == '"' else "unexpected character")
        kind, token, start = match.lastgroup, match.group(), at
        at = match.end()
        if kind == "comment":
            at = _skip_comment(text, at)
        elif kind == "open":
            line += text.count("\n", counted, start)
            counted = start
            stack.append(Node([], start, start, line))
        elif kind == "close":
            if not stack:
                raise lexer.error(text, start, "unexpected )")
            node = stack.pop()
            node.end = at
            if not stack:
                yield node
            elif not node.head.startswith("@"):
                stack[-1].items.append(node)
        elif kind == "string":
            _innermost(stack, text, start).items.append(_unescape(text, start, token))
        elif kind == "atom":
            _innermost(stack, text, start).items.append(token)
    if stack:
        raise lexer.error(text, stack[-1].start, "unclosed parenthesis", "expected )")


def _innermost(stack: list[Node], text: str, at: int) -> Node:
    if not stack:
        raise lexer.error(text, at, "unexpected token", "a script is commands in parentheses")
    return stack[-1]


def _skip_comment(text: str, at: int) -> int:
    """The offset behind a block comment whose inside starts at ``at``; they nest."""
    start, depth = at - 2, 1
    while depth:
        edge = _COMMENT_EDGE.search(text, at)
        if edge is None:
            raise lexer.error(text, start, "unclosed comment", "expected ;)")
        depth += 1 if edge.group() == "(;" else -1
        at = edge.end()
    return at


def _unescape(text: str, start: int, literal: str) -> bytes:
    """The bytes of the string token at ``start``. Surrogates pass: the module's reader is to see them."""

    def replace(match: re.Match[bytes]) -> bytes:
        escape = match.group(1)
        if match.group(2):
            return chr(int(match.group(2), 16)).encode("utf-8", "surrogatepass")
        return _SIMPLE_ESCAPES.get(escape) or bytes.fromhex(escape.decode())

    try:
        return _ESCAPE.sub(replace, literal[1:-1].encode("utf-8", "surrogatepass"))
    except (ValueError, OverflowError):
        raise lexer.error(text, start, "illegal escape", lexer.shortened(literal)) from None


def _name(items: list[Item]) -> str | None:
    """Take an identifier off the front, when there is one."""
    if items and isinstance(items[0], str) and items[0].startswith("$"):
        return str(items.pop(0))
    return None


def _module_source(node: Node, text: str) -> ModuleSource:
    items = node.items[1:]
    while items and items[0] in ("definition", "instance"):
        items.pop(0)
    name = _name(items)
    if items and items[0] in ("binary", "quote"):
        form = str(items[0])
        content = b"".join(item for item in items[1:] if isinstance(item, bytes))
        if form == "binary":
            return ModuleSource(name, form, binary=content)
        return ModuleSource(name, form, text=content.decode("utf-8", "surrogateescape"))
    source = text[node.start : node.end]
    return ModuleSource(name, "text", re.sub(r"^\(module\s+definition", "(module", source))


def _module(node: Node, text: str) -> Command:
    second = node.items[1] if len(node.items) > 1 else ""
    if second == "instance":
        items = node.items[2:]
        return Command("module_instance", node.line, names=(_name(items), _name(items)))
    kind = "module_definition" if second == "definition" else "module"
    return Command(kind, node.line, _module_source(node, text))


def _register(node: Node, text: str) -> Command:
    items = node.items[1:]
    alias = _string(items, node, text)
    return Command("register", node.line, names=(alias, _name(items)))


def _string(items: list[Item], node: Node, text: str) -> str:
    """Take a name in quotes off the front."""
    if not items or not isinstance(items[0], bytes):
        raise lexer.error(text, node.start, f"malformed {node.head}", "a name in quotes was expected")
    item = items.pop(0)
    assert isinstance(item, bytes)
    return item.decode("utf-8", "surrogatepass")


def _action(node: Node, text: str) -> Action:
    if node.head not in ("invoke", "get"):
        raise lexer.error(text, node.start, f"unknown action {node.head}", "expected invoke or get")
    items = node.items[1:]
    module = _name(items)
    export = _string(items, node, text)
    return Action(node.head, module, export, [item for item in items if isinstance(item, Node)])


def _bare_action(node: Node, text: str) -> Command:
    return Command("action", node.line, action=_action(node, text))


def _assertion(node: Node, text: str) -> Command:
    subject, rest = (node.items[1] if len(node.items) > 1 else ""), node.items[2:]
    if not isinstance(subject, Node):
        raise lexer.error(text, node.start, f"malformed {node.head}", "a module or an action was expected")
    command = Command(node.head, node.line)
    if subject.head == "module":
        command.module = _module_source(subject, text)
    else:
        command.action = _action(subject, text)
    command.message = "".join(item.decode("utf-8", "replace") for item in rest if isinstance(item, bytes))
    command.expected = [item for item in rest if isinstance(item, Node)]
    return command


_COMMANDS = {
    "module": _module,
    "register": _register,
    "invoke": _bare_action,
    "get": _bare_action,
    "assert_return": _assertion,
    "assert_trap": _assertion,
    "assert_exhaustion": _assertion,
    "assert_exception": _assertion,
    "assert_suspension": _assertion,
    "assert_invalid": _assertion,
    "assert_malformed": _assertion,
    "assert_unlinkable": _assertion,
    "assert_invalid_custom": _assertion,
    "assert_malformed_custom": _assertion,
}
