"""The peers: each file is one simulator, and imports it inside its functions."""
