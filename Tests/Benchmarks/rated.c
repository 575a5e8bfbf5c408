// Load at a fixed rate, whatever the server does about it: request i is due at start + i/RATE, and its time counts from there, also
// while it waits for a connection to be free. (wrk sends the next request when the last is answered, so a server that stops for a
// moment is asked less in that moment, and the moment is hardly seen in its percentiles.)
//
//   rated PORT RATE SECONDS CONNECTIONS REQUEST_FILE BODY_FILE
//
// Sends the content of REQUEST_FILE to 127.0.0.1:PORT; every answer must be 200 with the content of BODY_FILE. Half a second goes
// before, unmeasured. Prints one JSON object, times in microseconds; what did not come within five seconds of the end is missing.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER = 16 * 1024, EVENTS = 256 };
static const uint64_t second = 1000000000;

struct connection {
    int fd;
    bool measured;
    uint64_t due;
    size_t length;
    char answer[ANSWER];
};

struct content {
    char *octets;
    size_t length;
};

static struct content request, body;
static uint64_t *times, measured, right, wrong, outstanding;
static char example[200];

static void die(const char *what) {
    perror(what);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * second + (uint64_t)time.tv_nsec;
}

static struct content content_of(const char *name) {
    FILE *file = fopen(name, "rb");
    struct content found = {malloc(ANSWER), 0};
    if (!file || !found.octets) die(name);
    found.length = fread(found.octets, 1, ANSWER, file);
    fclose(file);
    return found;
}

static int by_size(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static double share(double part) {
    if (right == 0) return 0;
    uint64_t at = (uint64_t)((double)right * part);
    return (double)times[at < right ? at : right - 1] / 1e3;
}

static void fail(const struct connection *connection) {
    wrong++;
    if (example[0]) return;
    size_t shown = connection->length < sizeof example - 1 ? connection->length : sizeof example - 1;
    for (size_t i = 0; i < shown; i++) {
        char octet = connection->answer[i];
        example[i] = octet < ' ' || octet == '"' || octet == '\\' || octet > '~' ? ' ' : octet;
    }
    if (shown == 0) strcpy(example, "closed without an answer");
}

// Reads what there is; true when the answer is complete, judged and counted.
static bool take(struct connection *connection) {
    ssize_t got = recv(connection->fd, connection->answer + connection->length, ANSWER - 1 - connection->length, 0);
    if (got < 0 && errno == EAGAIN) return false;
    if (got <= 0) {
        fail(connection);
        fprintf(stderr, "rated: the server ended a connection\n");
        exit(1);
    }
    connection->length += (size_t)got;
    connection->answer[connection->length] = 0;
    char *end = strstr(connection->answer, "\r\n\r\n");
    if (!end) return false;
    char *length = strcasestr(connection->answer, "\r\ncontent-length:");
    size_t expected = length && length < end ? strtoul(length + 17, NULL, 10) : 0;
    if (connection->length < (size_t)(end + 4 - connection->answer) + expected) return false;
    bool good = strncmp(connection->answer, "HTTP/1.1 200 ", 13) == 0 && expected == body.length &&
                memcmp(end + 4, body.octets, body.length) == 0;
    if (!good) fail(connection);
    else if (connection->measured) times[right++] = now() - connection->due;
    outstanding--;
    return true;
}

static void ask(struct connection *connection, uint64_t due, bool is_measured) {
    connection->due = due;
    connection->measured = is_measured;
    connection->length = 0;
    if (send(connection->fd, request.octets, request.length, MSG_NOSIGNAL) != (ssize_t)request.length) die("send");
    measured += is_measured;
    outstanding++;
}

int main(int count, char **arguments) {
    if (count != 7) return fprintf(stderr, "usage: rated PORT RATE SECONDS CONNECTIONS REQUEST_FILE BODY_FILE\n"), 2;
    uint64_t rate = strtoull(arguments[2], NULL, 10), seconds = strtoull(arguments[3], NULL, 10);
    size_t connections = strtoull(arguments[4], NULL, 10), idle = 0;
    request = content_of(arguments[5]);
    body = content_of(arguments[6]);
    uint64_t before = rate / 2, total = before + rate * seconds;
    times = calloc(total + 1, sizeof *times);
    struct connection *all = calloc(connections, sizeof *all), **free_ones = calloc(connections, sizeof *free_ones);
    int poller = epoll_create1(EPOLL_CLOEXEC);
    if (rate == 0 || seconds == 0 || connections == 0 || !times || !all || !free_ones || poller < 0) die("rated");
    // Otherwise the kernel lets every wait end 50 µs late.
    prctl(PR_SET_TIMERSLACK, 1);

    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (size_t i = 0; i < connections; i++) {
        int on = 1;
        all[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(all[i].fd, (struct sockaddr *)&address, sizeof address) < 0) die("connect");
        setsockopt(all[i].fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &event) < 0) die("epoll_ctl");
        free_ones[idle++] = &all[i];
    }

    uint64_t begun = now(), sent = 0, end = 0;
    while (sent < total || (outstanding && now() < end + 5 * second)) {
        uint64_t time = now();
        while (sent < total && idle && begun + sent * second / rate <= time) {
            uint64_t due = begun + sent * second / rate;
            ask(free_ones[--idle], due, sent >= before);
            sent++;
        }
        if (sent == total && !end) end = time;
        uint64_t next = begun + sent * second / rate, wait = sent == total || !idle ? second : next > time ? next - time : 0;
        struct timespec patience = {(time_t)(wait / second), (long)(wait % second)};
        struct epoll_event events[EVENTS];
        int ready = epoll_pwait2(poller, events, EVENTS, &patience, NULL);
        if (ready < 0 && errno != EINTR) die("epoll_pwait2");
        for (int i = 0; i < ready; i++) {
            if (take(events[i].data.ptr)) free_ones[idle++] = events[i].data.ptr;
        }
    }
    qsort(times, right, sizeof *times, by_size);
    printf("{\"requests\":%llu,\"right\":%llu,\"wrong\":%llu,\"missing\":%llu,\"example\":\"%s\",\"duration\":%.0f,"
           "\"p50\":%.1f,\"p99\":%.1f}\n",
           (unsigned long long)measured, (unsigned long long)right, (unsigned long long)wrong, (unsigned long long)outstanding, example,
           (double)(end - begun - second / 2) / 1e3, share(0.5), share(0.99));
}
