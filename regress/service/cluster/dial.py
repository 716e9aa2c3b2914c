"""The way to a Dask scheduler, for whoever asks one: to measure on its workers, or to analyse."""

from __future__ import annotations

from typing import Any

from regress.errors import RegressError

PATIENCE = "10s"
"""How long a scheduler may take to answer."""


def dial(address: str) -> Any:
    """A client of the scheduler at an address; RegressError without Dask, or without a scheduler there."""
    try:
        from distributed import Client
        from distributed.comm.addressing import get_address_host_port
    except ModuleNotFoundError as error:
        hint = "pip install 'regress[distributed]' here and on the workers."
        raise RegressError("--scheduler needs Dask", hint=hint) from error
    try:
        if not address.startswith("inproc://"):  # a scheduler in this process has neither host nor port
            get_address_host_port(address)  # a client that was made for a wrong one cannot be closed
        return Client(address, set_as_default=False, timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        hint = "Is `dask scheduler` running there? An address reads tcp://HOST:8786."
        raise RegressError(f"no Dask scheduler at {address}: {error}", hint=hint) from error
