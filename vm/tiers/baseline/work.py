"""The record that the compiler works on: arrays of integers, so that it can run as Python and as native code.

A compiler's function takes the record and integers, and uses nothing but these, ``while`` and ``if``.
"""

from __future__ import annotations

from vm.typed import MutableSequence, NamedTuple, Sequence

Cells = MutableSequence[int]

BYTES = ("library", "out")
"""The fields of ``Work`` that are bytes."""


class Work(NamedTuple):
    """One function's compilation."""

    code: Sequence[int]
    """The threaded code, as signed words."""
    words: MutableSequence[int] | memoryview[int]
    """The same in place, where those that say where code is entered are changed."""
    shape_of: Sequence[int]
    """The number of an instruction's shape, by where its handler is."""
    shapes: Sequence[int]
    """Rows of threaded instructions (``kinds``)."""
    stencils: Sequence[int]
    """Rows of stencils (``kinds``)."""
    fixed: Sequence[int]
    """Numbers of the stencils that are not looked up in shapes, see ``FIXED``."""
    raisers: Sequence[int]
    """Addresses of the handlers that trap, by trap code."""
    types: Sequence[int]
    """Types of what is in slots of parameters and locals; 0: unknown, or half of a vector."""
    state: Cells
    """Where the walk is."""
    marks: Cells
    """By word: 0, or 1 plus the slot behind the operands where jumps arrive."""
    doors: Cells
    """By word: whether code is entered there from elsewhere, with everything in its slots."""
    depths: Cells
    """By word: how many more loops there are from here on."""
    scores: Cells
    """By slot: how often it is used."""
    written: Cells
    """By slot: whether an instruction writes it."""
    pins: Cells
    """By slot: the register that it has for the whole function, or -1."""
    where: Cells
    """By slot: the register that its value is in now, or -1."""
    held: Cells
    """By register: the slot whose value it holds, or -1."""
    dirty: Cells
    """By register: whether its slot has not got the value yet."""
    kind: Cells
    """By register: the type of what it holds."""
    pool: Cells
    """Registers that are not pinned, general ones first, then ``-1``, then vector registers and ``-1``."""
    pinned: Cells
    """Slots that are pinned."""
    labels: Cells
    """By word: 1 plus the place of the code for jumps, or 0."""
    entries: Cells
    """By word: 1 plus the place of the code for whoever comes with everything in its slots, or 0."""
    starts: Cells
    """Pairs: where the code of an instruction begins, and its word."""
    exits: Cells
    """Pairs: where to go from the end of the code, a handler's address, and the word that it is told."""
    records: Cells
    """The code: stencils and what fills their holes (``kinds``)."""
    holes: Sequence[int]
    """Holes of stencils (``kinds``)."""
    flips: Sequence[int]
    """What is flipped in them for other registers (``kinds``)."""
    library: Sequence[int]
    """The code of all stencils, as bytes."""
    out: Cells
    """Where the native compiler writes code, as bytes."""


FIXED = (
    "move ii",
    "move ff",
    "move if",
    "move fi",
    "load i",
    "load f",
    "store i",
    "store f32",
    "store f64",
    "store k",
    "const w",
    "const q",
    "const f",
    "zero i",
    "zero f",
    "enter",
    "return",
    "handler",
    "jump",
)
"""Names of the stencils in ``Work.fixed``."""
(
    MOVE_II,
    MOVE_FF,
    MOVE_IF,
    MOVE_FI,
    LOAD_I,
    LOAD_F,
    STORE_I,
    STORE_F32,
    STORE_F64,
    STORE_CONSTANT,
    CONST_W,
    CONST_Q,
    CONST_F,
    ZERO_I,
    ZERO_F,
    ENTER_FRAME,
    RETURN_NOW,
    LEAVE,
    JUMP_TO,
) = range(len(FIXED))

# Work.state
(
    END,
    FIRST,
    SLOTS,
    RESULTS,
    BASE,
    HANDLERS,
    POSITION,
    RECORDS,
    EXITS,
    STARTS,
    PINNED,
    LOCKED,
    TURN,
    DEAD,
    HERE,
    FAULT,
    ADDRESS,
    CONSTANTS,
    SIZE_NOW,
    ROOM,
    MOST_RECORDS,
    STATE_CELLS,
) = range(22)
"""Words of code; the first slot of operands; slots of the frame; words of results; address of the words;
address of the first handler; bytes so far; counts; registers in use by this instruction; whose turn it is to
make room; whether the code here cannot be reached from above; the instruction's word; what went wrong;
where the code will run, where the constants of stencils lie, bytes of code so far, how many there may be;
cells that records may take."""

TOO_FEW_REGISTERS, TOO_MANY_RECORDS = 1, 2
"""What goes wrong: the first is a mistake of the compiler's, the second needs more room."""

REGISTERS = 24
"""General ones, then vector registers."""

LOW = 0xFFFF_FFFF
