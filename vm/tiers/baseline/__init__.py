"""Tier ``baseline``: copy-and-patch. Threaded code becomes machine code, by copying stencils. Tier 1.

What the threaded machine has, this tier has, too: frames, stacks, registers, words that hold addresses of
code. The threaded code of a function stays as its description; words where code is entered from elsewhere (at
its start, behind calls and handlers, at loop heads) hold addresses of machine code instead of handlers'. So
both kinds of code call each other and take over from each other, and an instruction without a stencil is run
by its handler.

encoding      where registers stand in the processor's instructions
registers     which registers there are
text          a builder of one stencil
forms         the stencils that follow from the opcode table and the instructions' meanings
fixed         stencils by hand
stencil       from an object file's code to a stencil: code with holes
build         all of them, by LLVM
kinds         rows of numbers that describe threaded instructions and stencils
shapes        those rows
artefact      those on disk
library       all of it in this process
work          the compiler's arrays
survey        a first look at a function; which slots get registers
allocation    which value is in which register
instructions  code of each kind of instruction
walk          one function
assemble      what the compiler decided, as bytes
room          where code lies
make          all of the compiler in one call, as its machine code exports it
patch         as assemble, for that
native        the compiler as machine code
compiler      all of that for one function
program       one module's code
tier          the tier
"""
