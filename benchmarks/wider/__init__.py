"""More programs for ``benchmarks.versus``, none of which the engine was tuned on."""
