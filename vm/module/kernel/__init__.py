"""Validation of bodies in restricted Python: one source that runs as Python and as native code.

What the restriction is, and how the native form is made, stands in ``restricted``. Bottom up:

    restricted   the work record, and what marks a function as part of the kernel
    layout       what lies where in the arrays
    words        types as integers, and which matches which
    bytes        the cursor: LEB128 numbers, indices, types
    operands     the stack of operand types
    control      the stack of blocks, branches and the side table
    rules_*      what each instruction asks of both, in families
    walk         one body, instruction by instruction; many bodies

    facts        (plain Python) a module as an array that the kernel reads
    faults       (plain Python) a fault's number as the error that people see
"""
