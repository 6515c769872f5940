"""A scripted provider in every dialect, with faults on request, for tests: ours and our users'."""
