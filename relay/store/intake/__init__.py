"""Everything that comes in, one transaction each: webhooks, messages of agents, their edits and clicks, echoes."""
