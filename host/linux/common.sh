# shellcheck shell=bash
# What the scripts around the Linux guest share. Sourced, never run.

# One line of progress, on standard error: standard output belongs to the guest.
say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }

die() {
  say "$*"
  exit 1
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root to run '$*', and sudo is not installed: run that as root, then try again"
  fi
}
