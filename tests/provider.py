"""An OpenID provider on this machine, over real HTTP with real signatures; a test may have it lie."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, RSAKey

CLIENT, SECRET = "tidewaiter", "a made up secret"


class FakeProvider:
    """`claims` change what the next ID token says, `described` what it tells of itself; `forge` replaces the token."""

    def __init__(self, url: str) -> None:
        self.issuer = url
        self.key: Key = RSAKey.generate_key(2048)
        self.kid = "one"
        self.claims: dict[str, Any] = {}
        self.described: dict[str, Any] = {}
        self.forge: str | None = None
        self.signed_by: Key | None = None
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}
        self.now = 0

    def log_in(self, url: str) -> dict[str, str]:
        """What the browser brings back from the page at that address, once the person has logged in there."""
        asked = {name: value for name, [value] in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.issuer}/authorize?")
        assert asked["response_type"] == "code"
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        code = f"code-{len(self._codes)}"
        self._codes[code] = asked
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    def answer(self, path: str, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            told = {"issuer": self.issuer, "authorization_response_iss_parameter_supported": True} | {
                f"{name}_endpoint": f"{self.issuer}/{path}"
                for name, path in (("authorization", "authorize"), ("token", "token"))
            }
            return 200, told | {"jwks_uri": f"{self.issuer}/keys"} | self.described
        if path == "/keys":
            # Without `alg`, as several great providers have them.
            return 200, {"keys": [{**self.key.as_dict(private=False), "kid": self.kid, "use": "sig"}]}
        if path == "/token":
            return self._token(headers, form)
        return 404, {}

    def _token(self, headers: Any, form: dict[str, str]) -> tuple[int, Any]:
        asked = self._codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET.replace(' ', '%20')}".encode()).decode()
        if asked is None or headers["Authorization"] != f"Basic {basic}":
            return 400, {"error": "invalid_grant"}
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        if form["redirect_uri"] != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        told = {
            "iss": self.issuer, "sub": "person-1", "aud": CLIENT, "iat": self.now, "exp": self.now + 300,
            "nonce": asked["nonce"], "groups": ["dover"],
        } | self.claims  # fmt: skip
        told = {name: value for name, value in told.items() if value is not None}
        header = {"alg": "RS256", "kid": self.kid, "typ": "JWT"}
        token = self.forge or jwt.encode(header, told, self.signed_by or self.key, algorithms=["RS256"])
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}


@contextmanager
def running() -> Iterator[FakeProvider]:
    """The provider, while the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            form = {name: value for name, [value] in parse_qs(self.rfile.read(length).decode()).items()}
            status, body = made.answer(self.path, self.headers, form)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _serve

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = FakeProvider(f"http://127.0.0.1:{server.server_address[1]}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()
