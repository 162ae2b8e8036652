"""The images of the demo: handwritten digits, which scikit-learn brings along.

They are real (Alpaydin and Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998; 1,797 images of 8
by 8 pixels by 43 people), and small enough to be labeled in minutes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

# Eight pixels on a side are hard to see: each becomes a square of so many, smoothed.
_TIMES = 8
_BRIGHTEST = 16
# Of 1,797, in the order in which people wrote them.
ALL = 1_797


def write_demo_images(folder: Path, number: int = ALL) -> None:
    """Write the first digits as PNG files into class folders."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for count, (pixels, digit) in enumerate(zip(digits.images[:number], digits.target, strict=False)):
        place = folder / str(digit) / f"{count:04}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        gray = np.asarray(255 - pixels * (255 / _BRIGHTEST), np.uint8)
        small = Image.fromarray(gray)
        large = small.resize((small.width * _TIMES, small.height * _TIMES), Image.Resampling.BICUBIC)
        large.save(place)
