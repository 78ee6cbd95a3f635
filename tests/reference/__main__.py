"""Writes `docs/reference.md` and `docs/config.schema.json` anew; exit 1 with a line for everything that is missing."""

from __future__ import annotations

import json
import sys

from relay.settings.json_schema import json_schema
from tests.harness import ROOT
from tests.reference.page import PAGE, missing, render

if gaps := missing():
    sys.exit("\n".join(gaps))
PAGE.write_text(render())
(ROOT / "docs" / "config.schema.json").write_text(json.dumps(json_schema(), indent=2) + "\n")
