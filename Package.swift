// swift-tools-version: 6.2
import PackageDescription

// The rules of the language, stated once for every Swift target.
let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // A span returned from our own type (Buffer.readable) needs its lifetime spelt out.
    .enableExperimentalFeature("Lifetimes"),
]

// lld, for it packs the 90,000 places that a static Swift program has to adjust at its start into 18 KB instead of 2.2 MB (RELR,
// understood by glibc from 2.36 on), and keeps what is only data out of the pages that may be run.
let linking: [LinkerSetting] = [.unsafeFlags(["-use-ld=lld", "-Xlinker", "-z", "-Xlinker", "pack-relative-relocs"])]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let yams = Target.Dependency.product(name: "Yams", package: "Yams")

let package = Package(
    name: "gatehouse",
    products: [
        .executable(name: "gatehouse", targets: ["gatehouse"]),
        .executable(name: "profile-service", targets: ["profile-service"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The system's libraries, and the few wrappers that C macros make necessary.
        .target(name: "CShims", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
        .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CArgon2", pkgConfig: "libargon2", providers: [.apt(["libargon2-dev"])]),
        .systemLibrary(name: "CCrypt", pkgConfig: "libcrypt", providers: [.apt(["libcrypt-dev"])]),

        // The house. Who may import whom is this list; DESIGN's table says why.
        .target(name: "Wire", swiftSettings: settings),
        .target(name: "Secrets", dependencies: ["COpenSSL", "CArgon2", "CCrypt", "CShims"], swiftSettings: settings),
        .target(name: "Loop", dependencies: ["Wire", "CShims", "COpenSSL"], swiftSettings: settings),
        .target(name: "Access", dependencies: ["Wire", "Secrets"], swiftSettings: settings),
        .target(name: "Stores", dependencies: ["Access", "Loop", "Wire", "CHiredis", "CPostgreSQL", grdb], swiftSettings: settings),
        .target(name: "Gateway", dependencies: ["Wire", "Secrets", "Loop", "Access"], swiftSettings: settings),
        .target(name: "Settings", dependencies: ["Access", "Secrets", yams], swiftSettings: settings),
        .target(name: "Profile", dependencies: ["Wire", "Loop", "Gateway", grdb], swiftSettings: settings),
        .executableTarget(
            name: "gatehouse",
            dependencies: [
                "Wire", "Secrets", "Loop", "Access", "Stores", "Gateway", "Settings", "Profile", argumentParser, logging,
            ],
            swiftSettings: settings, linkerSettings: linking),
        .executableTarget(
            name: "profile-service", dependencies: ["Profile", "Gateway", "Loop", argumentParser, logging],
            swiftSettings: settings, linkerSettings: linking),

        .testTarget(name: "WireTests", dependencies: ["Wire"], swiftSettings: settings),
        .testTarget(name: "SecretsTests", dependencies: ["Secrets", "COpenSSL"], swiftSettings: settings),
        .testTarget(name: "LoopTests", dependencies: ["Loop", "Wire"], swiftSettings: settings),
        .testTarget(name: "AccessTests", dependencies: ["Access", "Secrets", "Wire"], swiftSettings: settings),
        .testTarget(
            name: "StoresTests", dependencies: ["Stores", "Access", "Loop", "Secrets", "Wire", "CPostgreSQL", grdb], swiftSettings: settings),
        .testTarget(name: "GatewayTests", dependencies: ["Gateway", "Access", "Secrets", "Wire", "Loop"], swiftSettings: settings),
        .testTarget(name: "ProfileTests", dependencies: ["Profile", "Gateway", "Loop", "Wire"], swiftSettings: settings),
        .testTarget(name: "SettingsTests", dependencies: ["Settings", "Access", "Secrets"], swiftSettings: settings),
    ],
    cLanguageStandard: .gnu17
)
