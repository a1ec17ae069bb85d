"""Whether a password is right, as a directory says: LDAP, bound to as the user who signs in.

In: user name and password, as a client gave them. Out: whether the directory takes them. Nothing is searched for and
nothing is stored; who may do what stays with ``[[page_user]]``. The password travels under TLS alone, to a server
whose certificate is checked; an answer that names another server is a refusal, and no password is sent on.

STANDARDS: RFC 4511 (LDAP), 4513 5.1.2 (a name without a password would be nobody's, and succeed: it is refused here),
4514 (names are escaped), 2830 (StartTLS).
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import warnings
from typing import Final

from mailfax.config import LdapConfig

with warnings.catch_warnings():  # it asks pyasn1 for names that are about to go
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.dn import escape_rdn

#: For the connection, and for each answer, in whole seconds.
PATIENCE: Final = 10
#: As in ``passwords``: nobody types more.
LONGEST: Final = 1024
#: What a server says where name or password is wrong (RFC 4511 A): no such object, invalid DN syntax, inappropriate
#: authentication, invalid credentials, insufficient rights, unwilling; and a referral, which is not followed.
REFUSED: Final = frozenset({10, 32, 34, 48, 49, 50, 53})


class DirectoryTrouble(Exception):
    """The directory gave no answer that says anything about the password."""


class _Verified(ldap3.Tls):  # type: ignore[misc]
    """TLS as Python's own checks have it: the certificate, its name, its dates. Those of the library ask for
    functions that Python 3.12 has not."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        super().__init__(validate=ssl.CERT_REQUIRED)
        self._context, self._host = context, host

    def wrap_socket(self, connection: ldap3.Connection, do_handshake: bool = False) -> None:
        connection.socket = self._context.wrap_socket(
            connection.socket, server_hostname=self._host, do_handshake_on_connect=do_handshake
        )


class Directory:
    """One server, asked anew for each sign-in."""

    def __init__(self, config: LdapConfig) -> None:
        self._config = config

    async def authenticate(self, login: str, password: str) -> bool:
        """Whether the directory takes them. Raises ``DirectoryTrouble`` where nobody can tell."""
        if not (login and password) or len(password) > LONGEST or not login.isprintable() or "\0" in password:
            return False
        return await asyncio.to_thread(self._bind, login, password)

    def _bind(self, login: str, password: str) -> bool:
        config = self._config
        authorities = str(config.ca_file) if config.ca_file else None
        tls = _Verified(ssl.create_default_context(cafile=authorities), config.host)
        server = ldap3.Server(
            config.host,
            config.port,
            use_ssl=config.implicit_tls,
            tls=tls,
            get_info=ldap3.NONE,
            connect_timeout=PATIENCE,
        )
        connection = ldap3.Connection(
            server,
            user=self._name(login),
            password=password,
            authentication=ldap3.SIMPLE,
            auto_referrals=False,
            receive_timeout=PATIENCE,
        )
        try:
            connection.open(read_server_info=False)
            if not config.implicit_tls and not connection.start_tls(read_server_info=False):
                raise DirectoryTrouble(f"{config.host} offers no StartTLS")
            connection.bind(read_server_info=False)
            code = connection.result["result"]
        except (LDAPException, OSError) as trouble:
            raise DirectoryTrouble(f"{config.host}: {trouble}") from trouble
        finally:
            opened = connection.socket
            with contextlib.suppress(LDAPException, OSError):
                connection.unbind()
            if opened is not None:  # it closes none that the server has closed first
                opened.close()
        if code == 0:
            return True
        if code in REFUSED:
            return False
        raise DirectoryTrouble(f"{config.host}: {connection.result['description']}")

    def _name(self, login: str) -> str:
        """The name to bind with. In a distinguished name no sign of the login ends its part of it."""
        is_dn = "=" in self._config.bind
        return self._config.bind.replace("{login}", str(escape_rdn(login)) if is_dn else login)
