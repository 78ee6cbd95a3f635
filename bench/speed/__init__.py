"""How fast the relay is beside what others would use in its place; `python -m bench.speed --help`."""
