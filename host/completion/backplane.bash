# SPDX-License-Identifier: MIT
# Completion of backplane's command line in bash: the program itself says what there is.

_backplane() {
  local typed=${COMP_LINE:0:COMP_POINT} words word line
  read -ra words <<<"$typed"
  if [[ $typed == *[[:blank:]] ]]; then words+=(''); fi
  # What bash takes for the word may begin behind a = or a : of it.
  word=${words[-1]}
  local behind=${word##*[=:]}
  local before=${word%"$behind"}
  [[ $COMP_WORDBREAKS == *=* ]] || before=''
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do
    COMPREPLY+=("${line#"$before"}")
  done < <("$1" -complete "${words[@]:1}" 2>/dev/null)
  if [[ ${COMPREPLY[0]-} == *[=:,] ]]; then compopt -o nospace; fi
}

# Where the program knows nothing, a file's name belongs.
complete -o default -F _backplane backplane backplane-kvm
