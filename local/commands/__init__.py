"""What the `cj` command can do, one module each; they are imported when they are asked for."""


class CommandError(Exception):
    """A command cannot do what it was asked; the text is one for people and says what to do."""
