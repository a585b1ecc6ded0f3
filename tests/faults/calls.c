#include "calls.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#define CALL(name) #name, SYS_##name

const struct call calls[] = {
    {CALL(read), true, true, true, {EIO, ENOMEM, EINTR}},
    {CALL(pread64), false, false, true, {EIO, ENOMEM, EINTR}},
    {CALL(write), true, true, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(pwrite64), true, true, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(writev), true, true, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(pwritev), true, true, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(recvmsg), true, true, false, {ENOMEM, EINTR}},
    {CALL(recvfrom), true, true, false, {ENOMEM, EINTR}},
    {CALL(sendmsg), true, true, false, {ENOMEM, EINTR}},
    {CALL(sendto), true, true, false, {ENOMEM, EINTR}},
    {CALL(fsync), true, false, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(fdatasync), true, false, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(ftruncate), true, false, true, {EIO, ENOSPC, ENOMEM, EINTR}},
    {CALL(openat), true, false, false, {EIO, ENOSPC, EMFILE, ENOMEM, EINTR}},
    {CALL(close), true, false, false, {EIO, EINTR}},
    {CALL(mkdir), true, false, true, {EIO, ENOSPC, ENOMEM}},
    {CALL(rename), true, false, true, {EIO, ENOSPC, ENOMEM}},
    {CALL(link), true, false, true, {EIO, ENOSPC, ENOMEM}},
    {CALL(unlink), true, false, true, {EIO, ENOMEM}},
    {CALL(chmod), true, false, false, {EIO, ENOMEM}},
    {CALL(newfstatat), false, false, false, {EIO, ENOMEM}},
    {CALL(fstat), false, false, false, {EIO, ENOMEM}},
    {CALL(access), false, false, false, {EIO, ENOMEM}},
    {CALL(readlinkat), false, false, false, {EIO, ENOMEM}},
    {CALL(readlink), false, false, false, {EIO, ENOMEM}},
    {CALL(fstatfs), false, false, false, {EIO, ENOMEM}},
    {CALL(lseek), false, false, false, {EIO}},
    {CALL(flock), true, false, false, {EIO, ENOMEM, EINTR}},
    {CALL(fcntl), false, false, false, {EMFILE, ENOMEM}},
    {CALL(mmap), false, false, false, {EMFILE, ENOMEM}},
    {CALL(mremap), false, false, false, {ENOMEM}},
    {CALL(munmap), false, false, false, {ENOMEM}},
    {CALL(mprotect), false, false, false, {ENOMEM}},
    {CALL(madvise), false, false, false, {EIO, ENOMEM}},
    {CALL(mlock), false, false, false, {ENOMEM}},
    {CALL(brk), false, false, false, {ENOMEM}},
    {CALL(socket), true, false, false, {EMFILE, ENFILE, ENOMEM}},
    {CALL(bind), true, false, false, {EIO, ENOSPC, ENOMEM}},
    {CALL(listen), true, false, false, {ENOMEM}},
    {CALL(connect), true, false, false, {ENOMEM, EINTR}},
    {CALL(accept4), true, false, false, {EMFILE, ENFILE, ENOMEM, EINTR}},
    {CALL(shutdown), true, false, false, {ENOMEM}},
    {CALL(getsockopt), false, false, false, {ENOMEM}},
    {CALL(setsockopt), false, false, false, {ENOMEM}},
    {CALL(getsockname), false, false, false, {ENOMEM}},
    {CALL(pipe2), false, false, false, {EMFILE, ENFILE, ENOMEM}},
    {CALL(eventfd2), false, false, false, {EMFILE, ENFILE, ENOMEM}},
    {CALL(epoll_create1), false, false, false, {EMFILE, ENFILE, ENOMEM}},
    {CALL(epoll_ctl), false, false, false, {ENOSPC, ENOMEM}},
    {CALL(epoll_wait), true, false, false, {EINTR}},
    {CALL(epoll_pwait), true, false, false, {EINTR}},
    {CALL(poll), false, false, false, {EINTR, ENOMEM}},
    {CALL(wait4), true, false, false, {EINTR}},
    {CALL(getrandom), false, false, false, {EINTR}},
    {CALL(prctl), false, false, false, {ENOMEM}},
    {CALL(prlimit64), false, false, false, {ENOMEM}},
    {CALL(getdents64), false, false, false, {EIO, ENOMEM}},
};

const size_t n_calls = sizeof calls / sizeof calls[0];

static const struct {
    const char *name;
    int error;
} errors[] = {{"EIO", EIO},       {"ENOSPC", ENOSPC}, {"EMFILE", EMFILE},
              {"ENFILE", ENFILE}, {"ENOMEM", ENOMEM}, {"EINTR", EINTR}};

const struct call *call_named(const char *name) {
    for (size_t i = 0; i < n_calls; i++)
        if (strcmp(calls[i].name, name) == 0)
            return &calls[i];
    return NULL;
}

const struct call *call_numbered(int nr) {
    for (size_t i = 0; i < n_calls; i++)
        if (calls[i].nr == nr)
            return &calls[i];
    return NULL;
}

int error_named(const char *name) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (strcmp(errors[i].name, name) == 0)
            return errors[i].error;
    return 0;
}

const char *error_name(int error) {
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].error == error)
            return errors[i].name;
    return "-";
}
