"""A WebAssembly engine for Python: decoder, validator, tiers, WASI.

``vm.api`` holds the public face, with wasmtime-py's names; the layers are listed in ``vm/README.md``.
"""

from vm import finding

finding.install(__spec__)
