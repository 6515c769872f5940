"""The words of the house: chats, events, usage, people, failures. Values only."""
