"""What the relay is made of: the licences, a bill of materials (CycloneDX), and whether a flaw in it is known.

    python .ci/packages.py

Reads requirements.txt and what is installed of it; writes build/licences.md and build/sbom.json. Ends with 1 for a
licence that nobody has looked at, and for a known flaw. Where the database of flaws cannot be reached it says so.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
LOCKED = ROOT / "requirements.txt"
# Permissive ones, and those that ask for nothing of whoever uses the package as it is.
ALLOWED = (
    "MIT", "BSD", "Apache", "ISC", "Python Software Foundation", "PSF", "Zope Public", "ZPL", "Unlicense",
    "Mozilla Public License 2.0", "MPL-2.0", "LGPL",
)  # fmt: skip
PATIENCE = 45.0  # seconds for the database of flaws


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    _list_licences()
    _write_bill()
    _audit()


def _list_licences() -> None:
    names = re.findall(r"(?m)^([a-z0-9-]+)==", LOCKED.read_text(encoding="utf-8"))
    done = _tool(
        "piplicenses", "--packages", *names, "--from", "mixed", "--format", "markdown", "--with-urls",
        "--partial-match", "--allow-only", ";".join(ALLOWED), "--output-file", str(BUILD / "licences.md"),
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"A licence that is not on the list in .ci/packages.py: {done.stderr.strip() or done.stdout.strip()}")
    print(f"Licences of {len(names)} packages: build/licences.md")


def _write_bill() -> None:
    bill = BUILD / "sbom.json"
    done = _tool("cyclonedx_py", "requirements", str(LOCKED), "--pyproject", str(ROOT / "pyproject.toml"),
                 "--output-reproducible", "--output-file", str(bill))  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    components = json.loads(bill.read_text(encoding="utf-8"))["components"]
    print(f"Bill of materials of {len(components)} packages: build/sbom.json")


def _audit() -> None:
    """pip-audit ends with 1 for flaws and for failures alike; what it found it prints only if it could look."""
    try:
        done = _tool("pip_audit", "--requirement", str(LOCKED), "--disable-pip", "--require-hashes", "--format", "json",
                     "--progress-spinner", "off", "--timeout", "10")  # fmt: skip
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, subprocess.TimeoutExpired):
        print("Not audited: the database of known flaws cannot be reached from here.")
        return
    flawed = [f"{one['name']} {one['version']}: {flaw['id']}" for one in found for flaw in one.get("vulns", [])]
    if flawed:
        sys.exit("Known flaws:\n" + "\n".join(flawed))
    unknown = [one["name"] for one in found if "skip_reason" in one]
    if unknown:
        print(
            f"Not audited: {len(unknown)} of {len(found)} packages: the database that is reached knows nothing of them."
        )
    if len(unknown) < len(found):
        print(f"No flaw is known in {len(found) - len(unknown)} packages.")


def _tool(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603 - ours


if __name__ == "__main__":
    main()
