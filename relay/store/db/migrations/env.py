"""Alembic's entry: runs on the connection that `relay.store.schema` hands over."""

from alembic import context

from relay.store.db.file_tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
context.run_migrations()
