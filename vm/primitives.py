"""Locks, queues, getters and views for what every start imports, from where the standard library has them.

``threading`` is written in Python and brings ``functools`` and ``collections``: 4 ms, a tenth of the time to
a first result. What starts need of these is written in C, and there at once.
"""

from __future__ import annotations

from vm.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections import deque as deque
    from operator import attrgetter as attrgetter
    from threading import TIMEOUT_MAX as TIMEOUT_MAX
    from threading import Lock as Lock
    from threading import RLock as RLock
    from threading import get_ident as get_ident
    from threading import local as local
    from types import MappingProxyType as MappingProxyType
else:
    import _thread
    from _collections import deque as deque
    from _operator import attrgetter as attrgetter
    from _thread import TIMEOUT_MAX as TIMEOUT_MAX
    from _thread import RLock as RLock
    from _thread import get_ident as get_ident

    Lock, local = _thread.allocate_lock, _thread._local
    MappingProxyType = type(type.__dict__)
