"""labelloop measured: whole runs in memory, side by side with others, and the certificate put to the test."""

import sys
from pathlib import Path

# The containers' own packages, which nobody installs: `python -m bench.labels` finds them by itself.
for _folder in ("model_container", "image_container"):
    _path = str(Path(__file__).parents[1] / _folder)
    if _path not in sys.path:
        sys.path.append(_path)
