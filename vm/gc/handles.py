"""Host handles: Python objects that WebAssembly holds, each by the index of a cell.

A cell keeps its object alive. As a rule the table keeps every cell, until a collection finds that nothing
refers to its handle any more.

Cycles that run through both worlds (an object whose attribute is a wrapper of a heap object that leads back
to it) are left to Python's cycle collector, which knows how; it only has to see them. For the time it looks,
``freeze`` lets go of the cells that no global, table or frame leads to, and gives each to the anchors
(``vm.gc.references``) of the Python-held references that do lead to it. What then is garbage for Python is
garbage. ``thaw`` takes back the cells that are left.

A frozen cell is known by its address only; whether it is still there, its token says. Whoever runs
WebAssembly or hands a reference to it must thaw first: it may move things.
"""

from __future__ import annotations

import ctypes

from vm.gc.tokens import Token, Watch, drained, object_at
from vm.primitives import deque
from vm.typed import Iterable, Iterator

_FIRST = 64
"""Handles there is room for at first."""


class Cell:
    """One Python object in WebAssembly's hands."""

    __slots__ = ("_token", "value")

    def __init__(self, value: object, token: Token) -> None:
        self.value = value
        self._token = token


class Handles:
    """The cells of one heap. ``marks`` holds the mark of each, 0 when it has none."""

    def __init__(self) -> None:
        self._gone: deque[Watch] = deque()
        self._watches: list[Watch | None] = []
        self._cells: list[Cell | None] = []
        self._indices: dict[int, int] = {}
        self._free: list[int] = []
        self._frozen: dict[int, int] = {}
        self._values: list[int] = []
        self._make_marks(_FIRST)

    def __len__(self) -> int:
        """How many there are."""
        self._drain()
        return len(self._cells) - len(self._free)

    def index(self, value: object) -> int:
        """The handle of an object: the same for the same object, as long as WebAssembly holds it."""
        self.thaw()
        known = self._indices.get(id(value))
        if known is not None:
            return known
        index = self._free.pop() if self._free else self._grow()
        self.marks[index] = 0
        token = Token()
        self._watches[index] = Watch(token, self._gone, index)
        self._cells[index] = Cell(value, token)
        self._indices[id(value)] = index
        self._values[index] = id(value)
        return index

    def value(self, index: int) -> object:
        """The object behind a handle."""
        self.thaw()
        cell = self._cells[index]
        assert cell is not None, f"handle {index} was freed while in use"
        return cell.value

    def sweep(self, live: range) -> list[Cell]:
        """Free the cells whose mark is not in ``live``; the caller lets go of them when it is safe to."""
        self.thaw()
        cells = []
        for index in _places(self.marks.translate(bytes(mark not in live for mark in range(256))), 1):
            if index >= len(self._cells):
                break
            cell = self._cells[index]
            if cell is not None:
                cells.append(cell)
                self._forget(index)
        return cells

    def marked(self, colour: int) -> list[int]:
        """The handles with a mark."""
        return list(_places(self.marks, colour))

    def cells(self, indices: Iterable[int]) -> list[Cell]:
        """The cells of some handles."""
        return [cell for index in indices if (cell := self._cells[index]) is not None]

    def freeze(self, indices: Iterable[int]) -> None:
        """Let go of some cells, which others hold by now."""
        for index in indices:
            cell = self._cells[index]
            if cell is not None:
                self._cells[index] = None
                self._frozen[index] = id(cell)

    def thaw(self) -> None:
        """Take back the frozen cells that still exist; forget those that died meanwhile.

        Several threads may do so at once, and cells die in any of them.
        """
        self._drain()
        while self._frozen:
            for index in list(self._frozen):
                try:
                    # In one expression, see object_at. Whose death is not in the queue, and who is still in
                    # the dictionary, which _drain takes the dead out of, is alive.
                    cell = None if self._gone else object_at(self._frozen[index])
                except KeyError:
                    continue
                if cell is not None:
                    self._cells[index] = cell
                    self._frozen.pop(index, None)
            self._drain()

    def _drain(self) -> None:
        """Reuse the indices of cells that are really gone.

        The table may have taken such a cell back: if something thawed when the cycle collector had judged the
        cell already, it goes on to clear it.
        """
        for watch in drained(self._gone):
            index = watch.number
            self._watches[index] = None
            self._frozen.pop(index, None)
            self._forget(index)
            self._free.append(index)

    def _forget(self, index: int) -> None:
        self._cells[index] = None
        if self._indices.get(self._values[index]) == index:
            del self._indices[self._values[index]]

    def _grow(self) -> int:
        self._cells.append(None)
        self._watches.append(None)
        self._values.append(0)
        if len(self._cells) > len(self.marks):
            self._make_marks(2 * len(self.marks))
        return len(self._cells) - 1

    def _make_marks(self, capacity: int) -> None:
        """Marks only count during a collection, so nothing is copied."""
        self.marks = bytearray(capacity)
        self._exported = ctypes.c_char.from_buffer(self.marks)
        self.marks_address = ctypes.addressof(self._exported)


def _places(marks: bytes | bytearray, mark: int) -> Iterator[int]:
    at = marks.find(mark)
    while at >= 0:
        yield at
        at = marks.find(mark, at + 1)
