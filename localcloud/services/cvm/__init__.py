"""Cloud Virtual Machine (云服务器): instances, images, key pairs, zones, prices."""

from __future__ import annotations

from tencentcloud.cvm.v20170312 import models

from localcloud.services.cvm.instances import Instances
from localcloud.services.cvm.key_pairs import KeyPairs
from localcloud.services.cvm.offers import Offers
from localcloud.services.cvm.pricing import Pricing


class Cvm(Offers, Instances, KeyPairs, Pricing):
    """Product `cvm`."""

    product = "cvm"
    version = "2017-03-12"
    sdk = models
