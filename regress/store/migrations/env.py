"""What Alembic runs to migrate: on the connection that ``Database`` passes, within its transaction."""

from __future__ import annotations

from alembic import context

from regress.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by rebuilding it
)
with context.begin_transaction():
    context.run_migrations()
