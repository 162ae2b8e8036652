"""What the frame of a worker template's task may load and do; other pages have the application's policy."""

from labelloop.workbench.security import content_security_policy


def task_frame_policy(image_sources: tuple[str, ...] = ()) -> str:
    """A template brings styles of its own and no scripts: only our elements run, in an origin that has no
    cookies, no storage and no API.
    """
    changed = {
        "style-src": "style-src 'self' 'unsafe-inline'",
        "connect-src": "connect-src 'none'",
        "frame-src": "frame-src 'none'",
        "form-action": "form-action 'none'",
        "frame-ancestors": "frame-ancestors 'self'",
    }
    page = content_security_policy(image_sources).split("; ")
    directives = [changed.get(directive.split(" ")[0], directive) for directive in page]
    return "; ".join(["sandbox allow-scripts", *directives])
