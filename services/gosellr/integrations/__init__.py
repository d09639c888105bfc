"""The outside world behind ports: each power has a Protocol, small frozen values and a twin.

Answers are values (accepted, declined, unknown), never exceptions, because a flow must be able to
write down "we don't know" as calmly as "yes". Every call that changes something carries an
idempotency key, and every call returns within a time limit.
"""
