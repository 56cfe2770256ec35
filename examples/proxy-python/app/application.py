"""A Flask application behind gunicorn, both from the image's own packages."""

from __future__ import annotations

import os

from flask import Flask, jsonify, request
from werkzeug.middleware.proxy_fix import ProxyFix

application = Flask(__name__)
# nginx says who the visitor is: X-Forwarded-For, -Proto and -Host, each by one proxy.
application.wsgi_app = ProxyFix(application.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]


@application.get("/")
def index() -> str:
    """The first page."""
    return "<!doctype html><html lang=zh-CN><title>Flask</title><body><h1>你好</h1></body></html>"


@application.get("/api/me")
def me() -> object:
    """Who asks, as the application sees it."""
    return jsonify(address=request.remote_addr, secure=request.is_secure, greeting=os.environ.get("GREETING"))


@application.get("/healthz")
def healthz() -> str:
    """Whether it is well."""
    return "ok"
