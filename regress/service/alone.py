"""Who measures into a store does so alone: no other holds the store, and none uses the checkout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from regress.runner.events import Listener, Note
from regress.service.project import Project
from regress.store import Store


@contextmanager
def alone(
    project: Project, store: Store, purpose: str, *, wait: bool, listen: Listener, elsewhere: bool = False
) -> Iterator[None]:
    """Hold the store, and the checkout's tools unless others measure ``elsewhere``, while the context lasts.

    ``wait`` for who holds them, else StoreLockedError or CheckoutBusyError.
    """

    def tell(text: str) -> None:
        listen(Note(text))

    with ExitStack() as stack:
        stack.enter_context(store.lock(purpose, wait=wait, on_wait=tell))
        if not elsewhere:
            stack.enter_context(project.measuring(purpose, wait=wait, on_wait=tell))
        yield
