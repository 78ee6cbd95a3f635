"""A stand-in for Slack: `workspace` is the state, `api` what is called over HTTP, the rest is what Slack insists on."""
