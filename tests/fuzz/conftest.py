"""The certificate that the listeners of ``tests/smtpd`` have."""

from tests.smtpd.conftest import tls_files

__all__ = ["tls_files"]
