"""How long and how often a server is asked; the command line shows it without loading the engine."""

# Seconds that a server may keep silent.
TIMEOUT = 60.0
# How often a failed call is made again.
RETRIES = 4
# Calls under way at once.
CONCURRENCY = 8
