"""ElevenLabs: speech from text, text from speech."""
