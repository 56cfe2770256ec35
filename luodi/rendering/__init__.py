"""Settings to text: the nginx files of a release, and the footer. Pure but for reading templates.

A release is a folder on the server, ``/opt/luodi/releases/<id>``. `Renderer.nginx_files` gives what is in
it; whoever delivers it adds each site's content, ``sites/<name>/html/``. Every path that nginx is given is absolute
and, but for the certificates, which are renewed apart from releases, inside that folder. So
``nginx -t -c /opt/luodi/releases/<id>/nginx/nginx.conf`` judges just that release before it is switched on, and the
file means the same once ``/etc/nginx/nginx.conf`` is a link to it: a relative ``include`` would be looked for beside
the path that nginx was *told*, which then is ``/etc/nginx``. And workers that still serve the release before keep to
its files.

No text reaches nginx but through `quote`: in a ``.conf`` template each value printed is quoted, and in a
``.html`` template each is escaped for HTML. An undefined value is an error.
"""

from luodi.rendering.errors import RenderingError, TemplateError
from luodi.rendering.files import RELEASE, RELEASES, Renderer
from luodi.rendering.footer import Footer
from luodi.rendering.headers import Header, Headers, Hsts
from luodi.rendering.hosts import (
    Area,
    CertificateFiles,
    Front,
    Limits,
    Location,
    Maintenance,
    Redirect,
    VirtualHost,
)
from luodi.rendering.kinds import Endpoint, Kind, MiniProgram, Php, Proxy, Spa, Static, Timeouts, Upstream
from luodi.rendering.loading import rendered, shipped_templates, template_loader
from luodi.rendering.nginx import OLDEST_NGINX, Listen, Log, Nginx
from luodi.rendering.printing import server_environment
from luodi.rendering.quoting import quote
from luodi.rendering.templates import Templates
from luodi.web import PAGES

__all__ = [
    "OLDEST_NGINX",
    "PAGES",
    "RELEASE",
    "RELEASES",
    "Area",
    "CertificateFiles",
    "Endpoint",
    "Footer",
    "Front",
    "Header",
    "Headers",
    "Hsts",
    "Kind",
    "Limits",
    "Listen",
    "Location",
    "Log",
    "Maintenance",
    "MiniProgram",
    "Nginx",
    "Php",
    "Proxy",
    "Redirect",
    "Renderer",
    "RenderingError",
    "Spa",
    "Static",
    "TemplateError",
    "Templates",
    "Timeouts",
    "Upstream",
    "VirtualHost",
    "quote",
    "rendered",
    "server_environment",
    "shipped_templates",
    "template_loader",
]
