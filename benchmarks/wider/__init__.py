"""More programs for ``benchmarks.versus``: does what helps its corpus help elsewhere?

The machine code of ``sorting``, ``regex`` and ``mixed`` was read while the compiler was worked on, and passes
were chosen with an eye on the others: for a judgement nobody can have influenced, bring programs of your own.
"""
