"""The official suite's scripts (``.wast``): read, run and judged.

    script    text to commands
    values    constants of scripts as bit patterns; results against patterns
    judge     runs commands on a store and says how each went

``wasmvm wast`` and ``tests/spec`` use the same code.
"""
