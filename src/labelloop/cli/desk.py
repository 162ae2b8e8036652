"""The workbench beside a run on this machine."""

import contextlib
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from labelloop.cli.run_folder import RunFolder
from labelloop.workbench.application import create_app
from labelloop.workbench.deployment import opened_parts
from labelloop.workbench.farewell import Farewell
from labelloop.workbench.images import SignedImages
from labelloop.workbench.overview import Overview
from labelloop.workbench.server import DEFAULT_PORT, kept_key, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.worker_template import template_in_s3


@contextlib.contextmanager
def open_desk(
    console: Console, folder: RunFolder, *, host: str = "127.0.0.1", port: int = DEFAULT_PORT
) -> Iterator[str]:
    """Serve the workbench within a LocalAws; prints and gives the address people label at.

    The store is the one that the steps find in their environment. Open pages hear when the run has ended, so
    leaving takes some seconds where there are any. Raises PortError.
    """
    sessions = LaptopSessions(kept_key(folder.workbench_key))
    images, farewell = SignedImages(), Farewell()
    with opened_parts() as parts:
        parts.closing.go_on()
        app = create_app(
            Workbench(parts.store, parts.closing),
            sessions,
            image_urls=images.url,
            worker_templates=template_in_s3,
            run_overview=Overview(parts.store),
            farewell=farewell,
        )
        app.include_router(images.router)
        with served(app, host=host, port=port) as address:
            entrance = f"{address}/enter?key={sessions.key}"
            console.print(Text(f"People label here: {entrance}"), soft_wrap=True)
            yield entrance
            # Not after an interruption: --resume serves the same pages again.
            farewell.say()
