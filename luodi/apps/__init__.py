"""The applications of a server's sites: services that luodi runs, blue and green, and PHP pools."""

from luodi.apps.application import App, Php, app_name, of, packages, user

__all__ = ["App", "Php", "app_name", "of", "packages", "user"]
