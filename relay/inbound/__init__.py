"""What Slack has to tell, by whichever door it comes: over HTTP, or on a connection that the relay opened."""
