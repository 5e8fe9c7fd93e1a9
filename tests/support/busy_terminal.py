# Runs a program whose standard output is a terminal that does not wait, and which nobody reads before
# the file of the first argument is there. What it shows goes to standard output.
import fcntl, os, pty, signal, subprocess, sys, time, tty

near, far = pty.openpty()
tty.setraw(far)
fcntl.fcntl(far, fcntl.F_SETFL, fcntl.fcntl(far, fcntl.F_GETFL) | os.O_NONBLOCK)
child = subprocess.Popen(sys.argv[2:], stdout=far)
os.close(far)
signal.signal(signal.SIGTERM, lambda *_: child.terminate())
while not os.path.exists(sys.argv[1]):
    time.sleep(0.01)
try:
    while shown := os.read(near, 777):
        sys.stdout.buffer.write(shown)
        sys.stdout.buffer.flush()
except OSError:
    pass  # The program has ended.
sys.exit(child.wait())
