"""Serves the workbench for as long as people are needed."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

from labelloop.workbench.api import WorkerTemplates
from labelloop.workbench.application import create_app, no_templates
from labelloop.workbench.deployment import OpenedWorkbench, opened_workbench
from labelloop.workbench.farewell import Farewell
from labelloop.workbench.images import SignedImages
from labelloop.workbench.overview import Overview
from labelloop.workbench.rate_limit import RateLimit
from labelloop.workbench.server import address_of, is_of_this_machine_alone, kept_key, served
from labelloop.workbench.service import Workbench
from labelloop.workbench.sessions import LaptopSessions
from labelloop.workbench.worker_template import template_in_s3

# Tells the user a line.
Say = Callable[[str], object]


@contextlib.contextmanager
def serve_workbench(
    say: Say,
    listener: socket.socket,
    parts: OpenedWorkbench,
    key: Path,
    *,
    read_image: Callable[[str], bytes] | None = None,
    worker_templates: WorkerTemplates = no_templates,
) -> Iterator[None]:
    """Serve the workbench and say its addresses, which contain keys made from the file `key`.

    `read_image` returns the content of a `source-ref`, by default from the local S3. At the end, open pages
    are told that the work is over; if there are any, that takes some seconds.
    """
    sessions = LaptopSessions(parts.store, kept_key(key))
    images, farewell = SignedImages(read_image), Farewell()
    app = create_app(
        Workbench(parts.store, parts.closing),
        sessions,
        image_urls=images.url,
        worker_templates=worker_templates,
        run_overview=Overview(parts.store),
        farewell=farewell,
        address=address_of(listener),
    )
    app.include_router(images.router)
    app.add_middleware(RateLimit, sender=sessions.sender)
    with served(app, listener) as address:
        alone = is_of_this_machine_alone(listener)
        say(f"Label here{'' if alone else ', as an owner'}: {address}/enter?key={sessions.key}")
        if not alone:
            say(f"Others label here: {address}/enter?key={sessions.shared_key}")
            say("This is plain HTTP: anyone who can listen in on this network can read along and label too.")
        yield
        # Not after an interruption: the same pages are served again when the work continues.
        farewell.say()


@contextlib.contextmanager
def serve_workbench_of_run(
    say: Say, listener: socket.socket, key: Path, read_image: Callable[[str], bytes] | None = None
) -> Iterator[None]:
    """Serve the workbench of a run, inside its LocalAws. `read_image`: as in `serve_workbench`.

    The store is the one that the steps find in their environment.
    """
    with opened_workbench() as parts:
        parts.closing.go_on()
        with serve_workbench(
            say, listener, parts, key, read_image=read_image, worker_templates=template_in_s3
        ):
            yield
