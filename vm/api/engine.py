"""Config, Engine and Store: what there is before anything runs."""

from __future__ import annotations

from vm import tiers
from vm.api.checks import check
from vm.api.managed import Managed, absent
from vm.config import KNOBS
from vm.config import Config as Knobs
from vm.errors import ConfigError, VMError
from vm.isa.types import FuncType
from vm.primitives import TIMEOUT_MAX
from vm.runtime import store as runtime
from vm.runtime.metering import NEVER, Epoch
from vm.typed import TYPE_CHECKING, Any, Sequence

if TYPE_CHECKING:
    from vm.runtime.exceptions import Exn
    from vm.runtime.tags import Tag
    from vm.wasi import HostFunction, WasiConfig


class Config(Managed):
    """The engine's knobs as attributes (``vm.config`` lists them), and wasmtime-py's (``vm.api.foreign``).

    An unknown one is a ConfigError.
    """

    knobs: Knobs

    def __init__(self) -> None:
        object.__setattr__(self, "knobs", Knobs())

    def __getattr__(self, name: str) -> Any:
        if name not in KNOBS:
            raise absent(self, name)
        return getattr(self.knobs, name)

    def __setattr__(self, name: str, value: object) -> None:
        if name in KNOBS:
            object.__setattr__(self, "knobs", self.knobs.with_(**{name: value}))
            return
        from vm.api import foreign  # for who comes from there

        if name not in foreign.NAMES:
            import difflib  # for an error

            near = difflib.get_close_matches(name, KNOBS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(KNOBS)}"
            raise ConfigError(name, f"this engine has no such knob; {hint}")
        object.__setattr__(self, "knobs", self.knobs.with_(**foreign.knobs_for(name, value)))


class Engine(Managed):
    """What stores and modules share: the knobs, and the tier with its compiled code."""

    def __init__(self, config: Config | None = None) -> None:
        self.config: Knobs = Knobs() if config is None else check(config, Config, "config").knobs
        self.tier = tiers.make(self.config)
        self.epoch = Epoch()
        self.module_seconds = 0.0

    def increment_epoch(self) -> None:
        """Begin the next epoch; stores whose deadline it is are interrupted. Any thread may do so."""
        self.epoch.advance()

    def precompile_module(self, wasm: bytes | bytearray | str) -> bytearray:
        """The bytes of a module with its machine code, for ``Module.deserialize``, perhaps elsewhere."""
        from vm.api.module import Module  # which is made with an engine

        module = Module(self, wasm)
        module.compile_all()
        return module.serialize()

    def is_pulley(self) -> bool:
        """Whether wasmtime's interpreter runs the code: never."""
        return False

    def stats(self) -> dict[str, float]:
        """Costs so far, in CPU seconds: ``module_seconds`` (decoding, validating), and the tier's
        ``compile_seconds``, ``code_bytes`` and what else it counts.
        """
        return {"module_seconds": self.module_seconds, **self.tier.stats()}


class Store(Managed):
    """Where instances live. Everything made in it stays until the store itself goes."""

    def __init__(self, engine: Engine | None = None, data: object = None) -> None:
        self.engine: Engine = Engine() if engine is None else check(engine, Engine, "engine")
        self.runtime = runtime.Store(self.engine.tier, self.engine.config, self.engine.epoch)
        self.runtime.exception_type = _exception
        self._data = data
        self._wasi: dict[str, tuple[FuncType, HostFunction]] | None = None

    def data(self) -> object:
        """What the store was made with."""
        return self._data

    def gc(self) -> None:
        """Free managed objects, and Python objects in WebAssembly's hands, that nothing refers to.

        Happens by itself when there is need. Cycles through both worlds are for Python's ``gc.collect``.
        """
        self.runtime.heap.collect()

    def heap_stats(self) -> dict[str, int]:
        """The heap: ``collections`` so far, ``live_objects`` and ``live_bytes`` as the last of them found
        them, and the ``handles`` of Python objects now.
        """
        heap = self.runtime.heap
        found = heap.statistics
        return {
            "collections": found.collections,
            "live_objects": found.live_objects,
            "live_bytes": found.live_bytes,
            "handles": len(heap.handles),
        }

    def set_wasi(self, wasi: WasiConfig) -> None:
        """What WASI programs in this store are given; files are opened now."""
        from vm.wasi import WasiConfig, WasiContext  # most of what a program may ask for, if it is one at all
        from vm.wasi import functions as wasi_functions

        self._wasi = wasi_functions(WasiContext(check(wasi, WasiConfig, "wasi"), self.runtime.look))

    @property
    def wasi(self) -> dict[str, tuple[FuncType, HostFunction]]:
        """The WASI functions of this store's program."""
        if self._wasi is None:
            raise VMError("a module wants WASI, but its store has none: use Store.set_wasi")
        return self._wasi

    def set_limits(
        self,
        memory_size: int = -1,
        table_elements: int = -1,
        instances: int = -1,
        tables: int = -1,
        memories: int = -1,
    ) -> None:
        """Bound the size of each memory (bytes) and table (elements), and how many objects there may be.

        -1 is no limit. What is there already stays; a memory that may not grow says so as the specification
        wants it, and making one object too many is a WasmtimeError.
        """
        given = (memory_size, table_elements, instances, tables, memories)
        self.runtime.set_limits(
            runtime.StoreLimits(*(None if check(value, int, "limit") < 0 else value for value in given))
        )

    def set_fuel(self, fuel: int) -> None:
        """Give the store so much fuel, whatever it had (``Config.consume_fuel``); it starts with none."""
        self._need("consume_fuel", "fuel is not configured in this store")
        if not 0 <= check(fuel, int, "fuel") <= NEVER:
            raise VMError(f"fuel: expected 0 to {NEVER}, got {fuel}")
        self.runtime.meters.fuel = fuel

    def get_fuel(self) -> int:
        """The fuel that is left; ``vm.module.fuel`` says what uses how much."""
        self._need("consume_fuel", "fuel is not configured in this store")
        return self.runtime.meters.fuel

    def set_epoch_deadline(self, ticks_after_current: int) -> None:
        """Let code trap once the engine's epoch has been incremented so often from now.

        With ``Config.epoch_interruption`` a store's first deadline is at once: set one before anything runs.
        """
        if check(ticks_after_current, int, "ticks_after_current") < 0:
            raise VMError(f"ticks_after_current: expected 0 or more, got {ticks_after_current}")
        self.runtime.meters.set_deadline(ticks_after_current)

    def set_deadline(self, seconds: float | None) -> None:
        """Let code trap after so many seconds of wall clock, from now on until told otherwise; None: never.

        It takes the place of an epoch's deadline, and ``Config.epoch_interruption`` too. WASI's calls that
        wait are stopped as well; a host function of yours that runs, or sleeps, is not.
        """
        self._need("epoch_interruption", "a deadline needs code that looks at it")
        check(seconds, (int, float, type(None)), "seconds")
        if seconds is not None and not 0 <= seconds <= TIMEOUT_MAX:
            raise VMError(f"seconds: expected 0 to {TIMEOUT_MAX:g}, got {seconds}")
        self.runtime.meters.set_seconds(seconds)

    def _need(self, knob: str, why: str) -> None:
        if not getattr(self.runtime.config, knob):
            raise VMError(f"{why}: set Config.{knob} before making the engine")


def _exception(tag: Tag, bits: Sequence[int]) -> Exn:
    """The API's form of an exception that code throws: its module imports this one."""
    from vm.api.exceptions import Exn

    return Exn.of(tag, bits)
