"""The weights that are fetched, on a photograph: the conversion from PyTorch is right."""

from pathlib import Path

import numpy as np
import pytest
from image_classifier.torch_weights import read_tensors

BACKBONE = Path(__file__).parents[2] / ".backbone"
PALACE, HONEYCOMB = (
    698,
    599,
)  # of ImageNet's classes: one photograph shows a palace, one a flower of a thousand cells

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("trained_model"),
    pytest.mark.skipif(not BACKBONE.is_dir(), reason="make backbone fetches the weights"),
]


def test_photographs_show_what_they_show() -> None:
    from image_classifier.efficientnet_lite import build
    from PIL import Image
    from sklearn.datasets import load_sample_images

    network = build(read_tensors(BACKBONE / "weights.pth"), with_classes=True)
    images = [
        np.asarray(Image.fromarray(pixels).resize((260, 260), Image.Resampling.BICUBIC), np.float32)
        for pixels in load_sample_images().images
    ]
    logits = network(np.stack(images) / 127.5 - 1).numpy()
    assert logits.argmax(axis=1).tolist() == [PALACE, HONEYCOMB]
