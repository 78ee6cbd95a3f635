"""`python -m relay` is the `relay` command: hosts that install only requirements.txt have no other."""

from relay.cli import main

main(prog_name="relay")
