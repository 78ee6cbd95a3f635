"""What Slack sends, in either way: over HTTP, or on a connection that the relay opened."""
