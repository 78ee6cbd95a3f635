"""Writes `docs/reference.md` from the code, and from `docs/reference.yaml` what no code can say: `make reference`."""
