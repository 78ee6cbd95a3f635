"""Which Slack channel a conversation goes to, and why."""
