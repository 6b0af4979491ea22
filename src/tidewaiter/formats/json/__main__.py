"""Print the published JSON Schema: `python -m tidewaiter.formats.json > docs/reference/consignment.schema.json`."""

import json
import sys

from tidewaiter.formats.json import schema

sys.stdout.write(json.dumps(schema(), indent=2, ensure_ascii=False) + "\n")
