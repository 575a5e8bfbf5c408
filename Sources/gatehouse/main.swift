import Glibc

exit(GatehouseCommand.run(Array(CommandLine.arguments.dropFirst())))
