"""SSL Certificate Service (SSL 证书): certificates that were uploaded, and free ones that it issues itself.

Nothing in the rehearsal cloud can be given a certificate of this service (no load balancer, no CDN), so none is ever
bound to a resource.
"""

from __future__ import annotations

from tencentcloud.ssl.v20191205 import models

from localcloud.services.ssl.orders import Orders
from localcloud.services.ssl.shelf import Shelf
from localcloud.services.ssl.uploads import Uploads


class Ssl(Uploads, Orders, Shelf):
    """Product `ssl`."""

    product = "ssl"
    version = "2019-12-05"
    sdk = models
    regional = False
