"""Prints the reference page of the postal profile: `python -m tidewaiter.formats.post > docs/reference/post.md`."""

import sys

from tidewaiter.formats.post.page import page

sys.stdout.write(page())
