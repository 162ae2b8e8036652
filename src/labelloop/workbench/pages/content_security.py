"""What the frame of a worker template may load and do. Other pages have the application's policy."""

from labelloop.workbench.security import content_security_policy


def task_frame_policy(image_sources: tuple[str, ...] = ()) -> str:
    """The policy of the frame.

    A template may have its own styles, but no scripts. Only our elements run, in an origin without cookies,
    storage or API.
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
