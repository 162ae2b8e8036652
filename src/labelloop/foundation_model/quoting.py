"""Words of a model or a server, to be shown: they may hold anything."""


def quoted(words: str, most: int) -> str:
    """In one line of at most so many characters, without what could steer a terminal."""
    line = "".join(sign if sign.isprintable() else "\ufffd" for sign in " ".join(words[: 4 * most].split()))
    return line if len(line) <= most else f"{line[:most]}…"
