package final class Telemetry { package init() {}; func record(_ e: Exchange, _ c: GatewayConfiguration) {}; func tick() {} }
