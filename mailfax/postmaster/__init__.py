"""The postmaster carries our mail: letters from the outbox to the relay, and a word to senders who wait long.

``deliver`` hands over what the spool owes; ``delays`` owes the letter that says "not yet", once for each job.
"""
