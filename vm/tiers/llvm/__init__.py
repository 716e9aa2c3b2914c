"""The LLVM tier: bodies become IR text, IR becomes machine code, which runs on the runtime's records.

Nothing is imported here: the tiered tier wants parts of it, and wants them late.
"""
