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

// The calls of every request, made directly: in a process of several threads the C library makes each of them a point at which the thread
// may be cancelled (pthreads(7)), which costs two locked instructions a call, and no thread here is ever cancelled.

/// epoll_wait(2).
int gh_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds);

/// recv(2) without flags.
ssize_t gh_receive(int fd, void *octets, size_t count);

/// send(2) without SIGPIPE.
ssize_t gh_send(int fd, const void *octets, size_t count);

/// The token of an epoll event (a packed union that Swift cannot read in place).
uint64_t gh_epoll_token(const struct epoll_event *event);

/// Names the calling thread (pthread_setname_np(3)); at most 15 octets.
void gh_thread_name(const char *name);

/// sendmsg(2) of two stretches of octets in one call, without SIGPIPE.
ssize_t gh_send_two(int fd, const void *first, size_t first_count, const void *second, size_t second_count);

/// socket(2) for a stream, non-blocking and close-on-exec.
int gh_stream_socket(int family);

/// accept4(2), non-blocking and close-on-exec. `address` may be NULL.
int gh_accept(int listener, void *address, socklen_t *size);

/// Makes the listening socket `fd` drop whatever opens a connection (SYN without ACK), and nothing else: 0, or -1 and errno.
int gh_drop_new_clients(int fd);

/// Makes the SO_REUSEPORT group of `fd` give new clients to its members `first` to `first + count - 1`, in the order in which
/// they began to listen; a number that no member has leaves the choice to the kernel. 0, or -1 and errno.
int gh_prefer_listeners(int fd, uint32_t first, uint32_t count);

/// fcntl(2): makes `fd` non-blocking and close-on-exec. 0, or -1 and errno.
int gh_adopt(int fd);

/// fcntl(2): a second descriptor for what `fd` stands for, close-on-exec.
int gh_duplicate(int fd);
