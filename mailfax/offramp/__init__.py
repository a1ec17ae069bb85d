"""The offramp carries mail to fax: accept, prepare, submit, track, reconcile.

``accept`` turns an envelope into a message and its jobs; ``prepare`` has the document made; ``submit`` hands a job to
FaxCore; ``track`` asks how it went; ``reconcile`` looks for jobs in doubt; ``deadlines`` ends what waited too long;
``fax_accounts`` keeps the accounts; ``trouble`` decides what every failure means.
"""
