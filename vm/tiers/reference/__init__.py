"""Tier ``reference``: a plain-Python interpreter, obvious and slow. The oracle, and the tier of last resort.

integers, floats   what numeric instructions mean, on bit patterns
numeric            the table of those meanings, and conversions
steps              memory, tables, variables, references, as closures over frame slots
vectors            vector instructions: the scalar meanings lane by lane
wide               arithmetic on 128 bits
vector_steps       vectors to and from memory
translate          a validated body to linked blocks of steps
machine            runs them
"""

from __future__ import annotations

from vm.tiers.reference.machine import ReferenceTier

__all__ = ["ReferenceTier"]
