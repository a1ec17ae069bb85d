"""The onramp carries fax to mail: meet an account, collect what it received, owe the mails that bring it.

``meet`` takes the baseline of the first meeting; ``collect`` lists the Inbox, fetches what is new, and stores each
fax once, together with the mail that carries it.
"""
