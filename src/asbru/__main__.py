"""``python -m asbru``."""

from asbru.cli import main

main()
