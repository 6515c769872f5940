"""What a user of the official `anthropic` SDK does with files. ``python … SCENARIO GATEWAY_URL``."""

import json
import sys

import anthropic
from anthropic import Anthropic


def files(url):
    here = Anthropic(base_url=f"{url}/anthropic", api_key="sk-any", max_retries=0)
    api = here.files if hasattr(here, "files") else here.beta.files  # The era has it in beta only.
    made = api.upload(file=("notes.txt", b"hello", "text/plain"))
    assert made.id.startswith("file_") and made.type == "file" and made.size_bytes == 5, made
    assert made.filename == "notes.txt" and made.mime_type == "text/plain" and made.downloadable, made
    assert api.retrieve_metadata(made.id) == made
    assert api.download(made.id).read() == b"hello"
    more = [api.upload(file=(f"{n}.txt", b"x", "text/plain")).id for n in range(3)]
    listed = [each.id for each in api.list(limit=2)]
    assert listed[:4] == [*more[::-1], made.id], (listed, more)
    if not hasattr(here, "files"):
        page = api.list(limit=2, before_id=made.id)
        assert [each.id for each in page.data] == [more[1], more[0]], page
    else:
        page = api.list(ids=[more[0], "file_nothing"])
        assert [each.id for each in page.data] == [more[0]] and page.next_page is None, page
    gone = api.delete(made.id)
    assert gone.id == made.id and gone.type == "file_deleted"
    for call in (api.retrieve_metadata, api.download, api.delete):
        try:
            call(made.id)
        except anthropic.NotFoundError as error:
            assert error.body["error"]["type"] == "not_found_error"
        else:
            raise AssertionError(call)


SCENARIOS = (files,)

if __name__ == "__main__":
    name, gateway_url = sys.argv[1:3]
    {each.__name__: each for each in SCENARIOS}[name](gateway_url)
    print(json.dumps({"scenario": name, "sdk": anthropic.__version__}))
