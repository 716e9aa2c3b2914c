"""How big a module's parts may be where the specification leaves it open ("implementation limitations", A.2).

The numbers are those on which the web's engines agree (WebAssembly JavaScript interface, "Limits"), so a
module that runs there runs here. They keep the work of validation in proportion to the module's size.
"""

from __future__ import annotations

MAX_BODY = 7_654_321
"""Bytes of one function's body, or of a constant expression; the validator takes some 160 times as much."""

MAX_LOCALS = 50_000
"""Locals of one function, parameters included."""

MAX_OPERANDS = 10_000
"""Operands that a function may hold at once. Native code keeps them, and the locals, in one stack frame,
which must be small against what ``vm.runtime.stack`` keeps free; producers stay below a hundred."""

MAX_PARAMETERS = 1_000
"""Parameters of one function or block type."""

MAX_RESULTS = 1_000
"""Results of one function or block type."""

MAX_SUBTYPE_DEPTH = 63
"""Supertypes of one type."""

MAX_FIELDS = 10_000
"""Fields of one structure."""

MAX_LABELS = 65_520
"""Labels of one ``br_table``, beside the default."""

MAX_TRY_DEPTH = 1_000
"""Nested blocks of one function that catch exceptions: native code keeps a record of each in its frame."""

MAX_MEMORIES = 100
"""Memories of one module: each takes gigabytes of address space."""
