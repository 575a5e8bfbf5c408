import Glibc
import Loop

// The signals come first, before anything that might start a thread: threads inherit that they are taken by waiting.
ProfileServiceCommand.run(Signals([SIGTERM, SIGINT]))
