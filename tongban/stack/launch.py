"""Started in front of every part: gives up root if told so, ties its life to its parent's, becomes the part.

Run as a file by ``python -I -S launch.py PARENT SIGNAL UID GID DIRECTORY -- argv…`` and never imported, so that it
starts in milliseconds. The order matters: the kernel forgets a death signal when the user changes.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    parent, death_signal, uid, gid = (int(text) for text in sys.argv[1:5])
    directory, argv = sys.argv[5], sys.argv[7:]
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None  # loaded while its file can still be read
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir(directory)
    if libc is not None and libc.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        sys.exit("prctl(PR_SET_PDEATHSIG) failed: the part would survive its supervisor")
    if os.getppid() != parent:  # the supervisor died before the line above
        sys.exit("the supervisor is gone")
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(argv[0], argv, os.environ)  # noqa: S606


if __name__ == "__main__":
    main()
