"""A CrossGuard policy pack: the filing rules of mainland China on any Pulumi stack at Tencent Cloud.

The engine runs Python in this folder, so no module here may have the name of one of Python's own.
"""
