"""The FaxCore wire: six calls, what their answers mean, and what may be concluded when one goes wrong.

``client`` makes the calls; ``cover`` and ``values`` are what goes out and what comes back; ``errors`` is what
can go wrong. ``answers``, ``xml``, ``download`` and ``dates`` read what the service writes. Every gap of the
vendor's reference (A1..A44) and what is done about it stands in ``docs/faxcore-quirks.md``.
"""
