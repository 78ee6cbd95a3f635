"""The database itself: engine and transactions, dialects, tables, rows as values, schema and migrations."""
