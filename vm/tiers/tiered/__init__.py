"""Tier ``tiered``: starts in tier 1's code, or tier 0's; what runs often is compiled by LLVM.

first     which of them
hints     what was worth compiling the last time, and with what counts
observation  what code that is to be compiled counts before
knowledge  what requests are made with: such counts, or those of an earlier start
program   one module's code of both kinds, and how a function goes from one to the other
entrances  the instructions by which the machine runs compiled code
departures  where compiled code was left, and what the machine goes on with (imported then)
link      what ties a store to it
tier      the tier

LLVM's code and the other kind call each other through two entries of a function's record: what the
machine runs (``native``, once there is compiled code), and what compiled code calls (``lend_T``, until then).
"""

from vm.tiers.tiered.tier import TieredTier

__all__ = ["TieredTier"]
