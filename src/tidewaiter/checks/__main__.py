"""`python -m tidewaiter.checks` prints docs/reference/checks.md."""

import sys

from tidewaiter.checks.catalogue import page

sys.stdout.write(page())
