"""Asbru: an AI gateway. Bytes come in at the edge, pure rooms decide, one room carries, bytes go out.

Eight words, used everywhere:

- **Format**: the shape of a body (``openai.chat``, ``anthropic.messages``). **Codec**: reads and writes one format.
- **Provider**: a place that speaks formats. **Endpoint**: one format at one path of a provider.
- **Exchange**: one request on its way, with everything known about it. **Lane**: how its bytes are carried.
- **Plan**: the ordered targets to try. **Record**: the one line written when it is over.
"""

__version__ = "0.1.0"
