"""All tests here share one PostgreSQL database per module."""

from tests.store.shared_postgres import postgres_database_url, shared_postgres

__all__ = ["postgres_database_url", "shared_postgres"]
