// Counts the allocations of a program that is started with LD_PRELOAD=allocations.so, ALLOCATIONS=FILE: the first 8 octets of FILE,
// which has to be there, are the count so far, for whoever maps or reads it. One call of malloc, calloc, realloc, memalign,
// aligned_alloc or posix_memalign is one allocation, of whichever thread. Swift's runtime allocates by these.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// The C library's own, under the names that stay when malloc is replaced: dlsym(3) would itself allocate before it finds any.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

// Counts of before the file is mapped go nowhere: a program's start is not measured.
static uint64_t unseen;
static uint64_t *count = &unseen;

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("ALLOCATIONS");
    int file = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
    void *page = file < 0 ? MAP_FAILED : mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page == MAP_FAILED) {
        perror("ALLOCATIONS");
        _exit(1);
    }
    close(file);
    count = page;
}

static void add_one(void) {
    __atomic_fetch_add(count, 1, __ATOMIC_RELAXED);
}

void *malloc(size_t size) {
    add_one();
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    add_one();
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    add_one();
    return __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size) {
    add_one();
    return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    add_one();
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    add_one();
    void *found = __libc_memalign(alignment, size);
    if (!found) return ENOMEM;
    *result = found;
    return 0;
}
