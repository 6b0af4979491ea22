"""`python -m tidewaiter.formats.ics2` prints docs/reference/ics2.md."""

import sys

from tidewaiter.formats.ics2.page import page

sys.stdout.write(page())
