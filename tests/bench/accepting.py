"""``mailfax serve`` with nothing behind its handler: mail is taken and stored, and stays where it is.

Usage: python -m tests.bench.accepting CONFIG. It is what ``hold`` is for Postfix: both sides do the same work.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from mailfax.config import load
from mailfax.log_lines import configure_logging
from mailfax.service import Service, loop_factory


async def serve(config: Path) -> None:
    service = await Service.start(load(config, os.environ))
    service._parts.workers = ()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.stop)
    gc.freeze()  # as ``mailfax serve`` does
    await service.run()


if __name__ == "__main__":
    configure_logging(verbose=False)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(Path(sys.argv[1])))
