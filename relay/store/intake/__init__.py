"""Everything that comes in, one transaction each: webhooks, agents' messages, edits and clicks, echoes."""
