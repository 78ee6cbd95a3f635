"""The only SQL: tables, transactions and queries."""
