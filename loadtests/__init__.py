"""Many cameras at once, for long, and through failures: load tests of a running platform."""
