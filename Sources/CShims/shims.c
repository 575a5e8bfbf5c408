#define _GNU_SOURCE
#include "CShims.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

int gh_epoll_add(int epoll, int fd, uint64_t token) {
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data = { .u64 = token },
    };
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int gh_epoll_wait(int epoll, struct epoll_event *events, int count, int milliseconds) {
    return (int)syscall(SYS_epoll_pwait, epoll, events, count, milliseconds, NULL, sizeof(uint64_t));
}

ssize_t gh_receive(int fd, void *octets, size_t count) { return syscall(SYS_recvfrom, fd, octets, count, 0, NULL, NULL); }

ssize_t gh_send(int fd, const void *octets, size_t count) {
    return syscall(SYS_sendto, fd, octets, count, MSG_NOSIGNAL, NULL, 0);
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
    return syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
}

int gh_stream_socket(int family) { return socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); }

int gh_accept(int listener, void *address, socklen_t *size) {
    return (int)syscall(SYS_accept4, listener, address, size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

static int attach(int fd, int option, struct sock_filter *code, unsigned short length) {
    struct sock_fprog program = { .len = length, .filter = code };
    return setsockopt(fd, SOL_SOCKET, option, &program, sizeof program);
}

int gh_drop_new_clients(int fd) {
    // The program sees the segment from its TCP header on; octet 13 holds the flags (RFC 9293 3.1): SYN is 2, ACK 16.
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
    };
    return attach(fd, SO_ATTACH_FILTER, code, sizeof code / sizeof code[0]);
}

int gh_prefer_listeners(int fd, uint32_t first, uint32_t count) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count > 0 ? count : 1),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, first),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    return attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, sizeof code / sizeof code[0]);
}

int gh_adopt(int fd) {
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) return -1;
    return fcntl(fd, F_SETFD, FD_CLOEXEC);
}

int gh_duplicate(int fd) { return fcntl(fd, F_DUPFD_CLOEXEC, 3); }
