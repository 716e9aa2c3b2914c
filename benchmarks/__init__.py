"""What asv measures: real WebAssembly programs on every tier of the VM.

Nothing here imports the VM at module level, so that the list of benchmarks is the same at every commit, and a
commit whose VM lacks something fails in that benchmark alone.
"""
