"""The managed heap. It knows no WebAssembly: the runtime tells it types by number and shows it the roots.

words        what a reference looks like: null, i31, host handle, object
layout       how objects lie in memory: header, struct fields, array elements
types        the table of types, in native memory, by number
record       the words that compiled code shares with the heap
cage         4 GiB of address space for the objects of one heap, and which lines of it are in use
references   references that Python holds: ints that keep alive what they refer to
handles      Python objects that WebAssembly holds
marking      what is reachable: the plain-Python form
heap         allocation, access, collection: the parts wired together
"""
