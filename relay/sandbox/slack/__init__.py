"""A stand-in for Slack: `workspace` is the state, `api` the HTTP door, the rest is what Slack insists on."""
