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

# Where apt on this machine takes Debian's packages from.
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 'debian/$' ||
    die "apt has no archive of Debian's"
}

# use_architecture ARCHITECTURE DIR: from now on apt, and what is started here, speaks of packages of
# that architecture, by lists of its own in DIR. What this machine installs stays as it is.
use_architecture() {
  local architecture=$1 apt archive
  mkdir -p "$2/apt-$architecture"/{lists/partial,cache/archives/partial}
  apt=$(realpath "$2/apt-$architecture")
  archive=$(mirror)
  : >"$apt/status"
  echo "deb $archive bookworm main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<CONFIGURATION
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Sandbox::User "";
Dir::State::lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt/cache";
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
CONFIGURATION
  export APT_CONFIG=$apt/apt.conf
}

update_package_lists() {
  say "updating the package lists"
  if [[ ${APT_CONFIG-} ]]; then
    apt-get update -q >&2
  else
    as_root apt-get update -q >&2
  fi || die "apt-get update failed: is the network up?"
}
