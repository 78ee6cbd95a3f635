"""How fast the relay is, compared with alternatives; see `python -m bench.speed --help`."""
