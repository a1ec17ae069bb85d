"""Pure rules: values in, values out. No files, sockets, clock, randomness or asyncio (a test looks)."""
