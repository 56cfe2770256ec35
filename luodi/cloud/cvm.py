"""A CVM instance (云服务器)."""

from __future__ import annotations

import pulumi
import tencentcloud_iac_pulumi as tencentcloud

from luodi.cloud.images import newest
from luodi.cloud.network import Network
from luodi.settings import CvmSettings


class Cvm(pulumi.ComponentResource):
    """A CVM instance in a network of its own, with a public IPv4 address."""

    instance_id: pulumi.Output[str]
    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        server: CvmSettings,
        *,
        label: str,
        zone: str,
        user_data: str,
        tags: dict[str, str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """`label` is what the console shows; `zone` the availability zone; `user_data` a script for cloud-init, run
        once at first boot.

        The image and the user data are taken at creation and kept: a newer image in the family, or a changed
        script, must never reinstall a server that is serving.
        """
        super().__init__("luodi:cloud:Cvm", name, None, opts)
        child, tags = pulumi.ResourceOptions(parent=self), tags or {}
        network = Network(name, server, label=label, zone=zone, tags=tags, opts=child)
        own = server.own_bandwidth
        instance = tencentcloud.instance.Instance(
            f"{name}-instance",
            instance_name=label,
            hostname=label[:60],
            availability_zone=zone,
            image_id=newest_image(server.image, server.instance_type, child),
            instance_type=server.instance_type,
            instance_charge_type=server.charge_type,
            instance_charge_type_prepaid_period=server.period if server.prepaid else None,
            instance_charge_type_prepaid_renew_flag=server.renew_flag if server.prepaid else None,
            vpc_id=network.vpc_id,
            subnet_id=network.subnet_id,
            orderly_security_groups=[network.security_group_id],
            system_disk_type=server.disk.type,
            system_disk_size=server.disk.size,
            allocate_public_ip=own is not None,
            internet_charge_type=own.charge_type if own else None,
            internet_max_bandwidth_out=own.mbps if own else None,
            user_data_raw=user_data,
            # A prepaid instance that is deleted else stays in the recycle bin, and its subnet with it.
            force_delete=True,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(
                child,
                pulumi.ResourceOptions(protect=server.protect, ignore_changes=["image_id", "user_data_raw"]),
            ),
        )
        self.instance_id = instance.id
        self.address = self._elastic(name, label, server, instance, tags) if server.elastic_ip else instance.public_ip
        self.register_outputs({"instance_id": self.instance_id, "address": self.address})

    def _elastic(
        self,
        name: str,
        label: str,
        server: CvmSettings,
        instance: tencentcloud.instance.Instance,
        tags: dict[str, str],
    ) -> pulumi.Output[str]:
        child = pulumi.ResourceOptions(parent=self)
        eip = tencentcloud.eip.Instance(
            f"{name}-eip",
            name=label,
            internet_charge_type=server.bandwidth.address_charge_type,
            internet_max_bandwidth_out=server.bandwidth.mbps,
            prepaid_period=server.period if server.bandwidth.prepaid else None,
            tags=tags,
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=server.protect)),
        )
        bound = tencentcloud.eip.Association(
            f"{name}-eip-association", eip_id=eip.id, instance_id=instance.id, opts=child
        )
        return pulumi.Output.all(eip.public_ip, bound.id).apply(lambda both: str(both[0]))


def newest_image(family: str, instance_type: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """The newest public image whose operating system's name holds `family` and that the type can run.

    Raises RunError, in the Output, when there is none.
    """
    found = tencentcloud.images.get_instance_output(
        image_types=["PUBLIC_IMAGE"],
        os_name=family,
        instance_type=instance_type,
        opts=pulumi.InvokeOutputOptions(parent=opts.parent),
    )

    def choose(result: tencentcloud.images.GetInstanceResult) -> str:
        try:
            return newest(((image.created_time, image.image_id) for image in result.images), family)
        except LookupError as error:
            raise pulumi.RunError(str(error)) from None

    chosen: pulumi.Output[str] = found.apply(choose)
    return chosen
