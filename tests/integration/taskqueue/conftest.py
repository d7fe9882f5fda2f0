"""The local AWS, without a deployment; moto's PartiQL takes no notice of conditions."""

from tests.contract.conftest import ministack_url

__all__ = ["ministack_url"]
