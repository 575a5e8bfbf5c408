#define _GNU_SOURCE
#include "CShims.h"

int gh_epoll_add(int epoll, int fd, uint64_t token) {
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .u64 = token },
    };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

uint64_t gh_epoll_token(const struct epoll_event *event) { return event->data.u64; }
