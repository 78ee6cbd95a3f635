"""Environment, secrets and YAML file: one frozen object, or every problem at once.

load, variables, source     environment -> Settings               (places: where files are kept)
check, nodes, document      YAML text -> plain data with places   (syntax, traps: what is wrong with the YAML)
schema, texts, channels     plain data -> Config                  (explain: what is wrong with the values)
"""

from relay.settings.check import check_config
from relay.settings.environment import environment, ephemeral_host
from relay.settings.load import NEEDS, Settings, check_settings, load_settings
from relay.settings.schema import Alerts, Config, DeliveryConfig, Kommunicate, Replies, Route
from relay.settings.variables import SECRETS, VARIABLES, Need

__all__ = [
    "NEEDS",
    "SECRETS",
    "VARIABLES",
    "Alerts",
    "Config",
    "DeliveryConfig",
    "Kommunicate",
    "Need",
    "Replies",
    "Route",
    "Settings",
    "check_config",
    "check_settings",
    "environment",
    "ephemeral_host",
    "load_settings",
]
