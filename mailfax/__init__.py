"""mailfax: a bridge between e-mail and the FaxCore fax service.

Mail to ``<fax number>@<fax domain>`` becomes a fax; a received fax becomes a mail. Read the code in the
order in which a mail goes through it: ``rules`` (pure), ``smtpd`` (mail comes in), ``spool`` (what survives a
crash), ``offramp`` with ``render`` and ``faxcore`` (a fax goes out), ``onramp`` (a fax comes in),
``postmaster`` with ``letters`` and ``relay`` (mail goes out), ``service`` (builds everything).
"""

__version__ = "0.1.0"
