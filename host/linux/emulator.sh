# shellcheck shell=bash
# What the scripts that run Backplane share: which program, built if it has to be, and how its
# options are written. Sourced after common.sh, with top set; never run.

check_number() {
  [[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || die "$1 wants a whole number, not '$2'"
}

check_emulator() {
  [[ ! ${BACKPLANE-} ]] || command -v "$BACKPLANE" >/dev/null ||
    die "BACKPLANE: no program '$BACKPLANE'"
}

# Commas separate options within an option: a comma in a name is doubled.
escaped() { printf '%s' "${1//,/,,}"; }

# Whether any source is newer than what the last run built from.
is_built() {
  local stamp=$top/build/.built
  [[ -x $top/build/bin/backplane && -e $stamp ]] || return
  [[ ! $(cd "$top" && find CMakeLists.txt sdk host modules -newer "$stamp" -print -quit) ]]
}

build() {
  is_built && return
  "$top/host/linux/install-packages" build
  if [[ ! -e $top/build/build.ninja ]]; then
    say "configuring"
    (cd "$top" && cmake --preset default -DBACKPLANE_TESTS=OFF) >&2 || die "configuring failed"
  fi
  say "building"
  # The time before the build: what is edited during it is newer.
  touch "$top/build/.building"
  cmake --build "$top/build" --target host/all modules/all >&2 || die "the build failed"
  mv "$top/build/.building" "$top/build/.built"
}

find_emulator() {
  emulator=${BACKPLANE-}
  [[ $emulator ]] && return
  emulator=$top/build/bin/backplane
  [[ $print_command ]] || build
}
