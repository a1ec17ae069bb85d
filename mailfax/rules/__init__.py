"""Pure rules: values in, values out. No files, sockets, clock, randomness or asyncio (a house test looks)."""
