#define _GNU_SOURCE
#include "CShims.h"

#include <pthread.h>

int gh_epoll_add(int epoll, int fd, uint64_t token) {
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .u64 = token },
    };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

uint64_t gh_epoll_token(const struct epoll_event *event) { return event->data.u64; }

void gh_thread_name(const char *name) { pthread_setname_np(pthread_self(), name); }

ssize_t gh_send_two(int fd, const void *first, size_t first_count, const void *second, size_t second_count) {
    struct iovec parts[2] = {
        { .iov_base = (void *)first, .iov_len = first_count },
        { .iov_base = (void *)second, .iov_len = second_count },
    };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
    if (first_count == 0) {
        message.msg_iov = parts + 1;
        message.msg_iovlen = 1;
    }
    return sendmsg(fd, &message, MSG_NOSIGNAL);
}

int gh_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int gh_accept(int listener, void *address, socklen_t *size) {
    return accept4(listener, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}
