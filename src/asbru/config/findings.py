"""What is wrong with a configuration, all of it at once, and what is worth saying about one that is right."""

from collections.abc import Mapping

from msgspec import Struct


class Offence(Struct, frozen=True):
    """``path``: where in the file (``providers.openai.keys[0].weight``; "": the file). ``reason``: what is wrong."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}" if self.path else self.reason


class ConfigError(Exception):
    """The configuration cannot be used. ``str()`` of it is one line per offence, with the file's name before each."""

    def __init__(self, offences: tuple[Offence, ...], source: str = "") -> None:
        self.offences = offences
        self.source = source
        super().__init__("\n".join(f"{source}: {offence}" if source else str(offence) for offence in offences))


class Findings:
    """Collects while a configuration is read. ``env``: the environment that ``env.NAME`` refers to."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.offences: list[Offence] = []
        self.notices: list[str] = []

    def refuse(self, path: str, reason: str) -> None:
        """Note an offence, unless ``path`` or what holds it has one already: one mistake, one line."""
        if not any(_holds(known.path, path) for known in self.offences):
            self.offences.append(Offence(path, reason))

    def missing(self, path: str, reason: str) -> None:
        """Note that something is not there, unless there was something at ``path`` that was refused."""
        if not any(_holds(path, known.path) for known in self.offences):
            self.refuse(path, reason)

    def notice(self, text: str) -> None:
        """Note something that works, but perhaps not as its writer thinks."""
        self.notices.append(text)


def _holds(outer: str, inner: str) -> bool:
    return inner == outer or inner.startswith((f"{outer}.", f"{outer}["))
