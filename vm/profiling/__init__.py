"""Where a program's time goes, and what the engine does meanwhile.

recording   ``Profiler``: samples of the thread, events of the engine, and what comes of both
libraries   whose code an address is in that is not WebAssembly's
summary     functions by time, as data and as a table
flame       a flame graph, as SVG or as folded stacks
perfetto    a trace for https://ui.perfetto.dev and chrome://tracing

``Profiler`` belongs to the API; ``wasmvm profile`` is the same for a shell.
"""

from vm.profiling.recording import Profiler, Recording

__all__ = ["Profiler", "Recording"]
