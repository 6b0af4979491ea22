"""The HTTP door: messages in, answers out, in the sender's own format or in JSON.

`routes(house)` are this door's routes; `application(house, …)` is a whole ASGI application of these and of what other
doors add (the pages), with the guards that all need. What is for officers alone is in nothing that is sent here.
There is no login yet: a filer names itself, and the server listens on this machine only. See docs/reference/routes.md.
"""

from tidewaiter.api.application import application, routes

__all__ = ["application", "routes"]
