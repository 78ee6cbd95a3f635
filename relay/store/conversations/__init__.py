"""What is known about a conversation: its state, thread, card and people, and what its agents see of their replies."""
