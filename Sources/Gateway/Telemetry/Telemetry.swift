package final class Telemetry { func record(_ e: Exchange, _ c: GatewayConfiguration) {}; func tick() {} }
