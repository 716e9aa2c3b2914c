"""What each vector instruction means, once, as functions that emit LLVM IR text (see ``vm.isa.semantics``).

Meanings come in families, over shapes. The relaxed instructions mean what the specification's deterministic
profile says (appendix "Profiles"): the result is the same on every machine.

shapes       lanes, views of a vector as lanes, pieces of IR
integers     integer lanes of one width        widths    of two widths
floats       float lanes and conversions       lanes     moving lanes, and the vector as bits
memory       loads and stores                  intrinsics    what LLVM brings
"""

from __future__ import annotations

from vm.isa.emit import Meanings
from vm.isa.vectors.floats import FLOAT_MEANINGS
from vm.isa.vectors.integers import INTEGER_MEANINGS
from vm.isa.vectors.lanes import LANE_MEANINGS
from vm.isa.vectors.memory import MEMORY_MEANINGS
from vm.isa.vectors.widths import WIDTH_MEANINGS

VECTOR_SEMANTICS = Meanings(
    INTEGER_MEANINGS | WIDTH_MEANINGS | FLOAT_MEANINGS | LANE_MEANINGS | MEMORY_MEANINGS
)
"""Meaning by instruction name."""
