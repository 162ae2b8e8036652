"""Images to label, as large as it takes, on a line that may be slow."""

import struct
import threading
import zlib
from typing import TYPE_CHECKING, Any

from labelloop.workbench.images import SignedImages
from labelloop.workbench.opening import Asked

if TYPE_CHECKING:
    from .conftest import Bench, OpenBench


def png(width: int, height: int) -> bytes:
    """A gradient, so that what is seen of it tells where one is in it."""
    row = bytearray(3 * width)
    row[0::3] = bytes(255 * x // width for x in range(width))
    rows = bytearray()
    for y in range(height):
        row[1::3] = bytes([255 * y // height]) * width
        rows += b"\0" + row
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


MIDDLING, SMALL, LARGE = png(300, 200), png(32, 32), png(1600, 1200)


class Album:
    """Images on a line that may be slow: one held comes when it is let through."""

    def __init__(self, open_bench: "OpenBench") -> None:
        self.open_bench = open_bench
        self.images = SignedImages(self.read)
        self.contents: tuple[bytes, ...] = ()
        self.held: tuple[int, ...] = ()
        self.order: list[str] = []
        self.gate = threading.Event()

    def opened(self, *contents: bytes, held: tuple[int, ...] = (), **fields: Any) -> "Bench":
        """A batch of the images, which are shown in this order; further arguments are the batch's."""
        self.contents, self.held = contents, held
        return self.open_bench(
            [Asked(number, None, f"s3://bucket/{number}.png") for number in range(len(contents))],
            application={"image_urls": self.url},
            routers=[self.images.router],
            **fields,
        )

    def url(self, ref: str) -> str:
        if ref not in self.order:
            self.order.append(ref)
        return self.images.url(ref)

    def read(self, ref: str) -> bytes:
        place = self.order.index(ref)
        if place in self.held:
            self.gate.wait(300)
        return self.contents[place]

    def let_through(self) -> None:
        self.gate.set()
