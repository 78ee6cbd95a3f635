"""What others would use in place of the relay, one file each."""
