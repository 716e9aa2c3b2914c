"""The heap's native record: what compiled code, native kernels and Python share. Words of 8 bytes.

  0  base of the cage            32  top of the root stack          64  line where the heap ends for now
  8  cursor: next free offset    40  its limit                      72  room for one big object: from here
 16  limit: end of that room     48  address of the line table      80  to here
 24  address of the type table   56  line where the search goes on  88  lines taken since the last collection

The root stack holds the references that compiled frames need, one to a word: a frame stores them at the top
before it calls or allocates, and sets the top back afterwards.
"""

from __future__ import annotations

from vm.memory.native import WORD, Block

BASE = 0
CURSOR = 8
LIMIT = 16
TYPES = 24
ROOT_TOP = 32
ROOT_LIMIT = 40
LINES = 48
SEARCH = 56
END = 64
WIDE = 72
WIDE_LIMIT = 80
TAKEN = 88
SIZE = 96


class HeapRecord:
    """One heap's record, and its root stack; all that native code needs before there are objects.

    ``root_words`` is the size of the root stack for compiled frames, which check it; as much again is there
    for the code between them and Python, which does not, and whose own frames are as big as what it puts
    there. ``roots`` is where it begins.
    """

    def __init__(self, root_words: int = 1 << 10) -> None:
        self._block = Block(SIZE)
        self._stack = Block(2 * WORD * root_words)
        self.address, self.words = self._block.address, self._block.words
        self.roots = self._stack.address
        self.words[ROOT_TOP // WORD] = self.roots
        self.words[ROOT_LIMIT // WORD] = self.roots + WORD * root_words
