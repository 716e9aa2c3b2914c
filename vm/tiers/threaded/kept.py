"""Threaded code on disk: what a program has translated is there at its next start.

Then nothing is checked or translated, and what does that is not even imported. A module's code is one file of
the object cache, read with its first function and written at the program's end, if there is more of it than
before; its key has the module, the machine's code, the validator, and the knobs that the words depend on.
"""

from __future__ import annotations

import atexit
import marshal

from vm import digests
from vm.config import Config
from vm.jit.objects import Objects, objects
from vm.module.model import ModuleData
from vm.once import once
from vm.tiers.threaded.library import key, library, sources
from vm.tiers.threaded.made import Made, Packed, pack
from vm.tiers.threaded.steps import StepPlan

_MOST_BINARY = 4 << 20
"""Bytes of modules whose code is kept: of a bigger one, finding out that it is the same takes longer than to
translate what a start of it runs."""

_MOST_WORDS = 1 << 20
"""Words of new code that one process keeps, in memory until it ends."""

_VALIDATOR = ("module/**/*.py",)


class Kept:
    """The code of one module that was made before, and what is made now. ``facts`` are what it depends on
    beside the module.
    """

    def __init__(self, module: ModuleData, config: Config, facts: tuple[object, ...]) -> None:
        used = len(module.binary) <= _MOST_BINARY and objects(config).most > 0
        self._config = config
        self._file = _name(module, facts) if used else ""
        self._found = _read(config, self._file) if used else {}

    def find(self, index: int) -> Packed | None:
        """The code of function ``index``, if there is any."""
        return self._found.get(index)

    def learn(self, index: int, made: Made, steps: list[StepPlan]) -> None:
        """Function ``index`` was translated."""
        global _words
        if self._file and made.portable and _words + len(made.words) <= _MOST_WORDS:
            _words += len(made.words)
            place = objects(self._config), self._file
            _learnt.setdefault(place, (self._found, {}))[1][index] = made, steps


_Learnt = dict[int, tuple[Made, list[StepPlan]]]

_learnt: dict[tuple[Objects, str], tuple[dict[int, Packed], _Learnt]] = {}
"""By file: what was there, and what is new, by function, with the steps that it refers to."""

_words = 0


def _name(module: ModuleData, facts: tuple[object, ...]) -> str:
    digest = digests.digest(module.digest)
    for part in (key(), library().layout(), _validator()):
        digest.update(part)
    digest.update(repr(facts).encode())
    return digest.hexdigest()[:40]


@once
def _validator() -> bytes:
    """What says which code is valid, as a digest: code that is found is not checked again."""
    return b"".join(sources(_VALIDATOR))


def _read(config: Config, file: str) -> dict[int, Packed]:
    content = objects(config).load(file)
    return {} if content is None else marshal.loads(content)  # noqa: S302 - only ours to write, and verified


@atexit.register
def keep() -> None:
    """Write down what was made."""
    base = library().extent[0] if _learnt else 0
    for (folder, file), (found, new) in list(_learnt.items()):
        packed = {index: pack(made, base, steps) for index, (made, steps) in list(new.items())}
        more = {index: code for index, code in packed.items() if code is not None}
        if more:
            folder.store(file, marshal.dumps(found | more))
    _learnt.clear()
