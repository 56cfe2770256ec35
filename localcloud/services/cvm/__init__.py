"""Cloud Virtual Machine (云服务器): instances, images, key pairs, zones."""

from __future__ import annotations

from tencentcloud.cvm.v20170312 import models

from localcloud.services.cvm.instances import Instances
from localcloud.services.cvm.key_pairs import KeyPairs
from localcloud.services.cvm.offers import Offers


class Cvm(Offers, Instances, KeyPairs):
    """Product `cvm`."""

    product = "cvm"
    version = "2017-03-12"
    sdk = models
