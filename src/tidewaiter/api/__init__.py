"""The HTTP door: messages in, answers out, in the sender's own format or in JSON.

`routes(house)` are this door's routes; `application(house, …)` is a whole ASGI application of these and of what other
doors add (the pages), with the guards that all need. What is for officers alone is in nothing that is sent here.
In an open house a filer names itself; in a guarded one `door` knows every caller. See docs/reference/routes.md.
"""

from tidewaiter.api.application import application, routes

__all__ = ["application", "routes"]
