"""The postmaster carries our mail: letters from the outbox to the relay, and a word to senders who wait long.

``deliver`` hands over what the spool owes; ``relay_trouble`` tells the relay's trouble from a letter's; ``disk``
tells of trouble with our own disk; ``delays`` owes the letter that says "not yet", once for each job.
"""
