"""Cloud Monitor (腾讯云可观测平台): alarm policies, whom they tell, and what they watch.

Policies are kept and bound; no metric is measured, so none of them ever goes off.
"""

from __future__ import annotations

from tencentcloud.monitor.v20180724 import models

from localcloud.services.monitor.bindings import Bindings
from localcloud.services.monitor.notices import Notices
from localcloud.services.monitor.policies import Policies


class Monitor(Policies, Notices, Bindings):
    """Product `monitor`. A policy belongs to no region; what it watches does."""

    product = "monitor"
    version = "2018-07-24"
    sdk = models
    regional = False
