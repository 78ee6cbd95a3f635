"""HTTP calls to other hosts."""
