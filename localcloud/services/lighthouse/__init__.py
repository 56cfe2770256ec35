"""Lighthouse (轻量应用服务器): instances from bundles and blueprints, firewalls, templates, prices."""

from __future__ import annotations

from tencentcloud.lighthouse.v20200324 import models

from localcloud.services.lighthouse.firewalls import Firewalls
from localcloud.services.lighthouse.instances import Instances
from localcloud.services.lighthouse.offers import Offers
from localcloud.services.lighthouse.pricing import Pricing
from localcloud.services.lighthouse.templates import FirewallTemplates


class Lighthouse(Offers, Instances, Firewalls, FirewallTemplates, Pricing):
    """Product `lighthouse`."""

    product = "lighthouse"
    version = "2020-03-24"
    sdk = models
