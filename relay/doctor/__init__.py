"""What is wrong with a set-up that is live: one check a file, each a function from a `Setup` to findings.

setup      what the checks look at
examine    runs them side by side, each within its time, and puts the worst first
"""

from relay.doctor.examine import AT_START, CHECKS, Check, examine
from relay.doctor.setup import Setup

__all__ = ["AT_START", "CHECKS", "Check", "Setup", "examine"]
