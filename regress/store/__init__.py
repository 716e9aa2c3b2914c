"""Where everything measured is kept: SQLite by default, PostgreSQL by URL. The only room that knows SQL.

from regress.store import Store

with Store.open("sqlite:///.regress/regress.db") as store:
    receipt = store.deliver(delivery)
    for series in store.all_series("main"):
        ...
"""

from __future__ import annotations

from regress.store.examinations import Stretch
from regress.store.grouping import Group, Places, group_changes, meet
from regress.store.store import Store

__all__ = ["Group", "Places", "Store", "Stretch", "group_changes", "meet"]
