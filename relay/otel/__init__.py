"""Traces for OpenTelemetry; read only where somebody wants them, because the SDK is an extra.

exporter    a finished trace of ours -> spans of the SDK's, with ids that every process finds by itself
provider    the SDK, set up by its own variables; what it says, and whether a collector takes what is sent
"""

from relay.otel.exporter import OtlpExporter

__all__ = ["OtlpExporter"]
