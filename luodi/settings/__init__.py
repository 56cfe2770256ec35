"""Every key that a stack file may hold: one typed model, in one place.

A stack file (``stacks/Pulumi.<stack>.yaml``) holds Tencent Cloud's own ``tencentcloud:region``, the sections
``luodi:site``, ``luodi:server``, ``luodi:dns``, ``luodi:certificate``, ``luodi:delivery`` and ``luodi:filing``, and
the list ``luodi:sites`` of further sites on the same server. `Settings.parse` judges all of it at once, before any API
call is made, and reports every problem with the path of the key, what is wrong and what to write instead.
"""

from luodi.settings.certificate import CertificateSettings
from luodi.settings.delivery import BuildSettings, DeliverySettings
from luodi.settings.dns import DnsSettings
from luodi.settings.hosted import HostedSite
from luodi.settings.nginx import NginxSettings
from luodi.settings.regions import Region, mainland_region, mainland_regions
from luodi.settings.server import Bandwidth, CvmSettings, Disk, IngressRule, LighthouseSettings
from luodi.settings.site import MOST_NAMES, SiteSettings
from luodi.settings.stack import ACCOUNT_KEY, FURTHER, NAMESPACE, Settings, sections
from luodi.settings.surroundings import Surroundings
from luodi.settings.values import host_name, readable, registrable, today_in_china

__all__ = [
    "ACCOUNT_KEY",
    "FURTHER",
    "MOST_NAMES",
    "NAMESPACE",
    "Bandwidth",
    "BuildSettings",
    "CertificateSettings",
    "CvmSettings",
    "DeliverySettings",
    "Disk",
    "DnsSettings",
    "HostedSite",
    "IngressRule",
    "LighthouseSettings",
    "NginxSettings",
    "Region",
    "Settings",
    "SiteSettings",
    "Surroundings",
    "host_name",
    "mainland_region",
    "mainland_regions",
    "readable",
    "registrable",
    "sections",
    "today_in_china",
]
