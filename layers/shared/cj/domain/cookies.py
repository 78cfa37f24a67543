"""The session cookie's name. `__Host-` binds it to one https origin; loopback has no https."""


def session_cookie(*, secure: bool) -> str:
    """The name, with the prefix wherever a browser accepts it."""
    return "__Host-cj_session" if secure else "cj_session"
