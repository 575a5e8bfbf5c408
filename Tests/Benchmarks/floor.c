// The floor: a relay that does nothing but what every proxy of this shape must ask of the kernel. For each client connection one
// connection to the upstream, kept; for each message one recv and one send. No parsing, no checks, no log, one thread, epoll
// edge-triggered. What a proxy costs above this is its own doing.
//
//   floor LISTEN_PORT UPSTREAM_PORT      both on 127.0.0.1
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

// As large as the reads of the largest contender: with smaller ones long bodies would cost it more calls than them.
enum { BUFFER = 128 * 1024, EVENTS = 256 };

struct pair;

// One of the two ends of a pair. `held` is what came from the other end and could not be written to this one yet.
struct end {
    int fd;
    bool readable, ending;
    char *held;
    size_t from, to;
    struct pair *pair;
    struct end *other;
};

// Later events of the same turn may still point to a closed pair, so it is freed when the turn is over.
struct pair {
    struct end client, upstream;
    bool closed;
    struct pair *next;
};

static int poller;
static char buffer[BUFFER];
static struct pair *finished;

static void die(const char *what) {
    perror(what);
    exit(1);
}

static void close_pair(struct pair *pair) {
    if (pair->closed) return;
    pair->closed = true;
    close(pair->client.fd);
    close(pair->upstream.fd);
    pair->next = finished;
    finished = pair;
}

// True when nothing is held any more; false when `end` takes no more for now, or is gone.
static bool flush(struct end *end) {
    while (end->from < end->to) {
        ssize_t sent = send(end->fd, end->held + end->from, end->to - end->from, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) close_pair(end->pair);
            return false;
        }
        end->from += (size_t)sent;
    }
    return true;
}

static void hold(struct end *end, size_t from, size_t to) {
    if (!end->held && !(end->held = malloc(BUFFER))) die("malloc");
    memcpy(end->held, buffer + from, to - from);
    end->from = 0;
    end->to = to - from;
}

// Moves what `source` has to its other end, as far as both allow. A short read has emptied the socket, so it is not asked again
// until the next edge; only a close that was announced is still to be read.
static void pump(struct end *source) {
    struct end *sink = source->other;
    while (!source->pair->closed && flush(sink) && source->readable) {
        ssize_t got = recv(source->fd, buffer, BUFFER, 0);
        if (got <= 0) {
            if (got < 0 && errno == EAGAIN) source->readable = false;
            else close_pair(source->pair);
            return;
        }
        if (got < BUFFER && !source->ending) source->readable = false;
        ssize_t sent = send(sink->fd, buffer, (size_t)got, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) {
                close_pair(source->pair);
                return;
            }
            sent = 0;
        }
        if (sent < got) hold(sink, (size_t)sent, (size_t)got);
    }
}

static struct sockaddr_in loopback(const char *port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static void watch(struct end *end, int fd, struct pair *pair, struct end *other) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    *end = (struct end){.fd = fd, .pair = pair, .other = other};
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = end};
    if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0) die("epoll_ctl");
}

static void take(int client, const struct sockaddr_in *upstream) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct pair *pair = calloc(1, sizeof *pair);
    // Until the connection stands, a send says EAGAIN and its content is held.
    if (fd < 0 || !pair || (connect(fd, (const struct sockaddr *)upstream, sizeof *upstream) < 0 && errno != EINPROGRESS)) {
        perror("upstream");
        if (fd >= 0) close(fd);
        close(client);
        free(pair);
        return;
    }
    watch(&pair->client, client, pair, &pair->upstream);
    watch(&pair->upstream, fd, pair, &pair->client);
}

static void handle(struct end *end, uint32_t events) {
    if (end->pair->closed) return;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end->ending = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        end->readable = true;
        pump(end);
    }
    if (events & EPOLLOUT && end->from < end->to) pump(end->other);
}

int main(int count, char **arguments) {
    if (count != 3) return fprintf(stderr, "usage: floor LISTEN_PORT UPSTREAM_PORT\n"), 2;
    struct sockaddr_in here = loopback(arguments[1]), upstream = loopback(arguments[2]);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listener, (struct sockaddr *)&here, sizeof here) < 0 || listen(listener, 4096) < 0) die("listen");
    poller = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[EVENTS];
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0) die("epoll");
    for (;;) {
        int ready = epoll_wait(poller, events, EVENTS, -1);
        if (ready < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) {
                handle(events[i].data.ptr, events[i].events);
                continue;
            }
            int client;
            while ((client = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) take(client, &upstream);
        }
        while (finished) {
            struct pair *pair = finished;
            finished = pair->next;
            free(pair->client.held);
            free(pair->upstream.held);
            free(pair);
        }
    }
}
