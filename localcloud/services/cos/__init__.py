"""Object Storage (COS, 对象存储): buckets and objects over its XML API, and how each client finds it.

COS is served at the address of the API itself, told from it by the Host header: `<bucket>.<host>` for a bucket,
`<host>` for the account, where `<host>` is `cos.<region>.myqcloud.com` as at Tencent's, or `cos.myqcloud.com` for
whichever region a bucket is in; a port may follow. So a request gets here through the cloud as its HTTP proxy, or
straight at `http://127.0.0.1:<port>/` with that Host header. `python -m localcloud env` prints all that is needed:

- `TENCENTCLOUD_COS_DOMAIN` (`http://cos.myqcloud.com:<port of the API>`): the provider's own variable. The real
  provider (`tencentcloud.cos.Bucket`) puts a bucket's name before its host, and honours `HTTP_PROXY`.
- The official SDK (`cos-python-sdk-v5`) reads no variable, so its user does what the provider does: the variable's
  scheme and host with port, or where it is unset `https` and `cos.<region>.myqcloud.com`, are what
  `CosConfig(Region=..., SecretId=..., SecretKey=..., Scheme=scheme, Endpoint=host)` takes. `HTTP_PROXY` it honours
  by itself. What `client.get_presigned_url(...)` returns is given to a server as it is.
- A machine of this cloud reaches the same names as a server in a VPC does: Tencent's resolvers in its
  `/etc/resolv.conf` give COS's address inside the provider's network, where this service listens at the same port (not
  at 80, which a web server in there takes at every address). So `curl '<presigned link>'` works in there, through no
  proxy. The machine has no other network: a link without the port leads nowhere.

A bucket is named `<name>-<appid>`; the appid is what `cam` GetUserAppId and `sts` GetCallerIdentity answer.

Every request's signature is checked: COS's own (`q-sign-algorithm=sha1`, in the header or in a link, with its time of
expiry) and, since the provider uses AWS's client for part of a bucket, AWS4-HMAC-SHA256. Objects are files in the
cloud's home, under `cos/`, and are never whole in memory. Lifecycles end objects, and uploads that nobody completed, as
soon as they are due. CORS rules are kept, but no browser is told of them; bytes are on disk as they came, also where a
bucket says AES256. What isn't done is refused as NotImplemented: versioning that is on, static websites, policies,
replication, logging, acceleration.
"""

from __future__ import annotations

from localcloud.services.cos.request import is_cos
from localcloud.services.cos.service import Cos

__all__ = ["Cos", "is_cos"]
