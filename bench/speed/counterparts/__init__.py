"""What others would use in the relay's place, each in one file."""
