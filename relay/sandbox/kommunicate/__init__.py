"""A stand-in for Kommunicate: `account` is the state, `webhook` what it sends, `api` what is called over HTTP."""
