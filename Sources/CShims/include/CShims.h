// Macros and variadic calls that Swift cannot import, as functions. Nothing else is C.
#pragma once

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

/// epoll_ctl(2) for `fd`, edge-triggered for input, output and peer close. `token` comes back with each event.
int gh_epoll_add(int epoll, int fd, uint64_t token);

/// The token of an epoll event (a packed union that Swift cannot read in place).
uint64_t gh_epoll_token(const struct epoll_event *event);
