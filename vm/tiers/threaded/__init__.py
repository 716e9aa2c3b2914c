"""Tier ``threaded``: bodies become threaded code, quickly, which native handlers interpret. Tier 0.

text        a builder of one handler
derived     the handlers that follow from the opcode table and the instructions' meanings
moves       moves, jumps, whole memories and tables, by hand
invocation  calls, returns, entries, by hand
machine     the way in and out
source      all of them in one text
library     all of them as machine code
made        a function's code, as it was made or as data
kept        code on disk
translate   a body to threaded code: operands, branches
control     translation of control flow and calls
exceptions  translation of what throws and catches
objects     translation of instructions on references and objects
plain       translation of everything else
places      where code comes from, for backtraces
steps       instructions that Python runs for the machine
unwinding   who catches an exception
program     one module's threaded code
link        what ties a store to it
tier        the tier
"""
