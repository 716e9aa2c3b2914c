"""The managed heap. It knows no WebAssembly: the runtime tells it types by number and shows it the roots.

words        what a reference looks like: null, i31, host handle, object
layout       how objects lie in memory: header, struct fields, array elements
types        the table of types, in native memory, by number
record       the words that compiled code shares with the heap
cage         4 GiB of address space for the objects of one heap, and which lines of it are in use
tokens       when a Python object is really gone
references   references that Python holds: ints that keep alive what they refer to
handles      Python objects that WebAssembly holds
space        room for objects: holes, and when to collect or to grow
collector    what is alive: collections, and what is left to Python's cycle collector
marking      the collector's loop in plain Python
cycles       when Python's cycle collector looks
heap         allocation, access, collection: the parts wired together
"""
