"""What commands, metrics and people on call ask for: reports, replay, retention, alerts."""
