"""``instructor``, on the official SDKs."""

import anthropic
import instructor
import openai
from cells import check, main, model
from pydantic import BaseModel


class Place(BaseModel):
    """A place."""

    city: str


def make(url):
    wrapped = {
        "openai": instructor.from_openai(openai.OpenAI(base_url=f"{url}/openai/v1", api_key="any", max_retries=0)),
        "anthropic": instructor.from_anthropic(
            anthropic.Anthropic(base_url=f"{url}/anthropic", api_key="any", max_retries=0)
        ),
    }

    def structured(provider):
        for own, client in wrapped.items():
            place = client.chat.completions.create(
                model=model(provider, own), response_model=Place, max_tokens=200, max_retries=0,
                messages=[{"role": "user", "content": "where"}],
            )  # fmt: skip
            check(isinstance(place, Place), own, place)

    return {"structured": structured}


main(make)
