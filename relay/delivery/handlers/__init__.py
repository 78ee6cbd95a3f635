"""One file for each kind of delivery."""
