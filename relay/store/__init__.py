"""The only SQL: tables, transactions, and the questions asked of them."""
