"""Virtual Private Cloud (私有网络): networks, security groups, elastic addresses."""

from __future__ import annotations

from tencentcloud.vpc.v20170312 import models

from localcloud.services.vpc.addresses import ElasticAddresses
from localcloud.services.vpc.networks import Networks
from localcloud.services.vpc.pricing import Pricing
from localcloud.services.vpc.security_groups import SecurityGroups


class Vpc(Networks, SecurityGroups, ElasticAddresses, Pricing):
    """Product `vpc`."""

    product = "vpc"
    version = "2017-03-12"
    sdk = models
