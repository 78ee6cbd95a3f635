"""A stand-in for Slack: `workspace` is the state, `api` its HTTP API, the rest is what Slack insists on."""
