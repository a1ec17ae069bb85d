"""``mailfax.toml`` and the environment become one frozen ``Config``, or a refusal that says what to do.

In: a TOML file, ``.env`` beside it, the environment. Out: ``Config``. Every refusal names the file, the key and the
reason (``ConfigError``); the process does not start. ``config/mailfax.toml`` is the reference of all keys.

``values`` is what comes out; ``kinds``, ``names`` and ``places`` what the value of one key may be; ``keys`` the table
of all keys; ``tables`` reads the file, ``reading`` makes the whole of it; ``listeners``, ``senders`` and
``routes`` refuse what these may not say; ``users`` is the password file; ``weak`` what is allowed and should be
known.
"""

from mailfax.config.reading import load, where_users_are
from mailfax.config.signing_in import LdapConfig, OidcConfig, PageUser
from mailfax.config.users import User, read_users
from mailfax.config.values import (
    Account,
    Config,
    ConfigError,
    Destinations,
    DkimConfig,
    Limits,
    Listener,
    Network,
    PagesConfig,
    Received,
    RelayConfig,
    RenderConfig,
    RetentionConfig,
    Route,
    SenderRule,
    SpoolConfig,
    WebConfig,
)

__all__ = [
    "Account",
    "Config",
    "ConfigError",
    "Destinations",
    "DkimConfig",
    "LdapConfig",
    "Limits",
    "Listener",
    "Network",
    "OidcConfig",
    "PageUser",
    "PagesConfig",
    "Received",
    "RelayConfig",
    "RenderConfig",
    "RetentionConfig",
    "Route",
    "SenderRule",
    "SpoolConfig",
    "User",
    "WebConfig",
    "load",
    "read_users",
    "where_users_are",
]
