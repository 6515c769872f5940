"""Pictures as base64: of what kind they are."""

_BEGINNINGS = {"iVBOR": "image/png", "/9j/": "image/jpeg", "UklGR": "image/webp"}


def kind_of(data: str) -> str:
    """The media type of base64, by how it begins; "" when that does not tell."""
    return next((kind for start, kind in _BEGINNINGS.items() if data.startswith(start)), "")
