"""Forms: what is read, what is refused, and that splicing touches nothing else."""

import asyncio
import contextlib
import mmap
import random
from pathlib import Path

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from asbru.model.failure import Refused
from asbru.wire.multipart import LONGEST_FIELD, LONGEST_HEAD, MOST_PARTS, PIECE, Form, Pieces, Slice, boundary_of

KIND = "multipart/form-data; boundary=b0"
HEAD = b'--b0\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
FILE = (
    b'--b0\r\nContent-Disposition: form-data; name="file"; filename="a \\"b\\".wav"\r\nContent-Type: audio/wav\r\n\r\n'
    b"RIFF\r\n--b\r\n\x00\xff\r\n"
)
LAST = b"--b0--\r\n"


def members(form: Form) -> dict[str, bytes]:
    return {name: bytes(raw) for name, raw in form.members.items()}


def test_what_is_read() -> None:
    form = Form(HEAD + FILE + LAST, KIND)
    assert members(form) == {"model": b'"whisper-1"'}
    part = form.file("file")
    assert (part.filename, part.media_type, part.content.whole()) == (
        'a "b".wav',
        "audio/wav",
        b"RIFF\r\n--b\r\n\x00\xff",
    )
    assert form.kind == KIND.encode()


def text(name: str, value: str) -> bytes:
    return f'--b0\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


@pytest.mark.parametrize(
    ("name", "values", "member"),
    [
        ("stream", ["true"], b"true"),
        ("stream", ["False"], b"false"),
        ("stream", ["yes"], b'"yes"'),
        ("stream", ["true", "false"], b'["true","false"]'),
        ("include[]", ["logprobs"], b'["logprobs"]'),
        ("fallbacks", ["openai/x"], b'["openai/x"]'),
        ("prompt", [""], b'""'),
        ("prompt", ["Ålesund\r\n--b"], '"Ålesund\\r\\n--b"'.encode()),
    ],
)
def test_members(name: str, values: list[str], member: bytes) -> None:
    body = b"".join(text(name, value) for value in values)
    assert members(Form(body + LAST, KIND)) == {name: member}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "does not begin"),
        (b"\r\n" + HEAD + LAST, "does not begin"),
        (b"preamble\r\n" + HEAD + LAST, "does not begin"),
        (HEAD, "its last boundary is missing"),
        (HEAD + b"--b0", "end of its line"),
        (HEAD + b"--b0 \r\n" + LAST, "end of its line"),
        (HEAD + b"--b0x" + LAST, "end of its line"),
        (HEAD + LAST + b"more", "something follows"),
        (HEAD + b"--b0--\n", "something follows"),
        (HEAD.replace(b"\r\n", b"\n") + LAST, "end of its line"),
        (HEAD.replace(b"form-data; ", b"attachment; ") + LAST, "no name"),
        (HEAD.replace(b'; name="model"', b"") + LAST, "no name"),
        (HEAD.replace(b'name="model"', b'name="model"; name="m"') + LAST, "not valid"),
        (HEAD.replace(b'"model"', b'"model') + LAST, "not valid"),
        (HEAD.replace(b"model", b"\xff") + LAST, "not UTF-8"),
        (HEAD.replace(b"whisper-1", b"\xff") + LAST, "model: is not UTF-8"),
        (HEAD.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n") + LAST, "transfer encoding"),
        (HEAD.replace(b"\r\n\r\n", b"\r\nbad header\r\n\r\n") + LAST, "header that is not valid"),
        (HEAD.replace(b"\r\n\r\n", b"\r\n folded\r\n\r\n") + LAST, "header that is not valid"),
        (HEAD.replace(b"\r\n\r\n", b"\r\nX-A: 1\r\nx-a: 2\r\n\r\n") + LAST, "header that is not valid"),
        (b"--b0\r\n\r\n\r\nx\r\n" + LAST, "header that is not valid"),
        (b'--b0\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + LAST, "no content"),
        (b"--b0\r\nX: " + b"a" * LONGEST_HEAD + b"\r\n\r\nx\r\n" + LAST, "do not end"),
        (text("a", "1") * (MOST_PARTS + 1) + LAST, "more than"),
        (text("a", "x" * (LONGEST_FIELD + 1)) + LAST, "a: must not be longer"),
    ],
)
def test_what_is_refused(body: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as told:
        Form(body, KIND)
    assert told.value.status == 400


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/form-data; boundary=a; boundary=b",
        "multipart/form-data; boundary=" + "a" * 71,
        'multipart/form-data; boundary="a "',
        'multipart/form-data; boundary="a\\"b"',
        "multipart/form-data; boundary=å",
        "multipart/form-data boundary=a",
        "multipart/mixed; boundary=a",
    ],
)
def test_boundaries_that_are_none(kind: str) -> None:
    with pytest.raises(Refused) as told:
        boundary_of(kind)
    assert told.value.status == 400


@pytest.mark.parametrize(
    ("kind", "boundary"),
    [
        ('Multipart/Form-Data; charset=utf-8; Boundary="a b"', b"a b"),
        ("multipart/form-data;boundary=----WebKit7;", b"----WebKit7"),
    ],
)
def test_boundaries(kind: str, boundary: bytes) -> None:
    assert boundary_of(kind) == boundary


def test_splice() -> None:
    form = Form(HEAD + FILE + text("prompt", "p") + LAST, KIND)
    assert form.splice() == HEAD + FILE + text("prompt", "p") + LAST
    put = form.splice({"model": Raw(b'"other"'), "stream": Raw(b"true"), "n": 3}, {}, {"prompt"})
    model, stream, n = (
        f'--b0\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in (("model", "other"), ("stream", "true"), ("n", "3"))
    )
    assert put == model + FILE + stream + n + LAST
    assert form.splice({"prompt": Raw(b'"x"')}, None, {"prompt"}) == HEAD + FILE + LAST


def test_a_field_is_put_once() -> None:
    body = text("a", "1") + text("a", "2") + text("b", "3")
    assert b"".join(Form(body + LAST, KIND).splice({"a": "z"}).split(LAST)) == (
        b'--b0\r\ncontent-disposition: form-data; name="a"\r\n\r\nz\r\n' + text("b", "3")
    )


def test_rename() -> None:
    form = Form(HEAD + FILE + LAST, KIND)
    again = Form(form.splice(None, {"file": "sound", "model": "model_id"}), KIND)
    assert members(again) == {"model_id": b'"whisper-1"'}
    assert again.file("sound").content.whole() == form.file("file").content.whole()
    assert again.file("sound").media_type == "audio/wav"


def test_what_is_put_cannot_hold_the_boundary() -> None:
    with pytest.raises(Refused, match="holds the boundary"):
        Form(HEAD + LAST, KIND).splice({"model": "a\r\n--b0\r\n"})


def test_one_file_is_wanted() -> None:
    for body in (HEAD + LAST, FILE + FILE + LAST, text("file", "no file") + LAST):
        with pytest.raises(Refused, match="file: must be one file"):
            Form(body, KIND).file("file")


def test_an_encoded_file_name_makes_a_file() -> None:
    part = b"--b0\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''%C3%A5.wav\r\n\r\nx\r\n"
    assert Form(part + LAST, KIND).file("file").filename == ""


def test_any_cut_is_refused() -> None:
    body = HEAD + FILE + LAST
    for end in range(len(body) - 2):
        with pytest.raises(Refused):
            Form(body[:end], KIND)


def test_garbage_is_refused_and_nothing_else() -> None:
    dice = random.Random(7)
    body = bytearray(HEAD + FILE + text("prompt", "p") + LAST)
    for _ in range(3000):
        spoilt = bytearray(body)
        for _ in range(dice.randrange(1, 5)):
            spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
        with contextlib.suppress(Refused):
            form = Form(bytes(spoilt), KIND)
            assert Form(form.splice(), KIND).members == form.members


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters='"\\', exclude_categories=["Cc"]), min_size=1, max_size=12
)


@settings(max_examples=150, deadline=None)
@given(
    fields=st.dictionaries(NAMES.filter(lambda name: name not in ("stream", "fallbacks")), st.text(max_size=30)),
    files=st.lists(st.tuples(NAMES, NAMES, st.binary(max_size=200)), max_size=4),
)
def test_what_httpx_writes_is_read(fields: dict[str, str], files: list[tuple[str, str, bytes]]) -> None:
    sent = [(name, (filename, content, "application/x-y")) for name, filename, content in files]
    request = httpx2.Request("POST", "http://x/", data=fields, files=sent or {"": ("e", b"")})
    form = Form(request.read(), request.headers["content-type"])
    plain = {part.name: part.content.whole().decode() for part in form.parts if part.filename is None}
    assert plain == fields
    found = [(part.name, part.filename, part.content.whole()) for part in form.parts if part.filename is not None]
    assert found == [(name, filename, content) for name, filename, content in (files or [("", "e", b"")])]
    assert form.splice() == request.read()


def test_a_map_of_a_file(tmp_path: Path) -> None:
    content = random.Random(1).randbytes(3 * PIECE + 17)
    path = tmp_path / "body"
    path.write_bytes(HEAD + FILE.replace(b"RIFF", content) + LAST)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        form = Form(data, KIND)
        part = form.file("file").content
        pieces = list(part.pieces())
        assert max(map(len, pieces)) == PIECE
        assert b"".join(pieces) == part.whole()
        sent = form.pieces({"model": "m"})
        assert len(sent) == len(sent.whole())
        assert content in sent.whole()


async def _gather(pieces: Pieces) -> list[bytes]:
    return [piece async for piece in pieces]


def test_pieces_can_be_sent_again() -> None:
    pieces = Pieces([b"ab", Slice(b"0123456789", 2, 5)])
    assert len(pieces) == 5
    for _ in range(2):
        assert asyncio.run(_gather(pieces)) == [b"ab", b"234"]
