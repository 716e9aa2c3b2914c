"""Debug information for compiled code: every instruction says which WebAssembly instruction it stands for.

A "line" is an offset in the module's binary, which also says whose function it is; so LLVM's own bookkeeping
survives inlining, and a backtrace can be told in WebAssembly's terms. Only with the knob ``debug_info``.
"""

from __future__ import annotations

from collections.abc import Iterable

_UNIT, _FILE, _TYPE, _VERSION, _DWARF = (0x7FFF_0000 + i for i in range(5))
_LOCATIONS = 0x1_0000
_SCOPES = 0x8000_0000
"""Numbers of metadata, behind those of ``vm.tiers.llvm.text``: locations by offset, scopes by function."""

HEAD = f"""\
!llvm.dbg.cu = !{{!{_UNIT}}}
!llvm.module.flags = !{{!{_VERSION}, !{_DWARF}}}
!{_UNIT} = distinct !DICompileUnit(language: DW_LANG_C99, file: !{_FILE}, emissionKind: LineTablesOnly)
!{_FILE} = !DIFile(filename: "module.wasm", directory: "/")
!{_TYPE} = !DISubroutineType(types: !9)
!{_VERSION} = !{{i32 2, !"Debug Info Version", i32 3}}
!{_DWARF} = !{{i32 7, !"Dwarf Version", i32 4}}
"""
"""What a module of compiled bodies with debug information needs beside its head."""


def mark(offset: int) -> str:
    """What to write behind an instruction that stands for the one at ``offset``."""
    return f", !dbg !{_LOCATIONS + offset}"


def scope(index: int) -> str:
    """What to write into the definition of function ``index``."""
    return f" !dbg !{_SCOPES + index}"


def metadata(index: int, offsets: Iterable[int]) -> str:
    """The definitions that the marks of one function refer to."""
    lines = [
        f'!{_SCOPES + index} = distinct !DISubprogram(name: "f{index}", scope: !{_FILE}, file: !{_FILE}, '
        f"type: !{_TYPE}, spFlags: DISPFlagDefinition | DISPFlagOptimized, unit: !{_UNIT})"
    ]
    lines += [
        f"!{_LOCATIONS + offset} = !DILocation(line: {offset}, scope: !{_SCOPES + index})"
        for offset in dict.fromkeys(offsets)
    ]
    return "\n".join([*lines, ""])
