"""A stand-in for Kommunicate: `account` is the state, `webhook` what it sends, `api` its HTTP API."""
