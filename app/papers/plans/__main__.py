"""``python -m app.papers.plans FILE`` prints the reading of a plan as JSON."""

import json
import sys
from pathlib import Path

from app.papers.plans import read

if __name__ == "__main__":
    file = Path(sys.argv[1])
    sys.stdout.write(json.dumps(read(file.read_bytes(), file.name).as_dict(), ensure_ascii=False, indent=1) + "\n")
