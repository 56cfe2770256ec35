"""An nginx configuration for a domain whose filing is known: site.py DOMAIN NUMBER APPROVED FOLDER."""

import sys
from datetime import date
from pathlib import Path

from luodi import (
    CertificateFiles,
    FilingSettings,
    Footer,
    NumberError,
    Proxy,
    Renderer,
    Upstream,
    VirtualHost,
    parse_icp,
    publication,
)

TEAM = "203.0.113.0/24"


def main(domain: str, written: str, approved: str, folder: Path) -> None:
    """Say what may be published, and write the files of a release."""
    number = parse_icp(written).require_website()
    facts = FilingSettings.model_validate({"icp": {"number": str(number), "approved": approved}})
    decided = publication(facts, date.today(), domain)  # noqa: DTZ011 (a filing's days are China's; so is this server)
    print(decided.text("zh"))
    site = VirtualHost(
        names=(domain, f"www.{domain}"),
        title="示例科技",
        footer=Footer(icp=number, owner="示例科技有限公司"),
        certificates=(CertificateFiles(f"/etc/ssl/{domain}.pem", f"/etc/ssl/{domain}.key"),),
        kind=Proxy(Upstream(("127.0.0.1:3000",)), health="/healthz"),
        audience=None if decided.public else (TEAM,),
    )
    for path, text in Renderer().nginx_files(site, release="1").items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    print(folder / "nginx" / "nginx.conf")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:4], Path(sys.argv[4]))
    except NumberError as error:
        sys.exit(str(error))
