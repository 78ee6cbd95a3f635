"""`python -m relay` runs the `relay` command, for hosts that install only requirements.txt."""

from relay.cli import main

main(prog_name="relay")
