#compdef gristmill
# Completion of gristmill for zsh: commands, options, and the names of queues, silos and jobs. Load it behind compinit with
#   source <(gristmill completion zsh)
# or put it as _gristmill into a folder of $fpath.
_gristmill() {
  local line="gristmill ${(j: :)words[2,CURRENT]}"
  local -a replies
  replies=("${(@f)$(${(Q)words[1]} "[suggest:${#line}]" "$line" 2>/dev/null)}")
  replies=(${replies:#})
  if (( $#replies )); then
    compadd -a replies
  else
    _files
  fi
}
if [[ $funcstack[1] == _gristmill ]]; then
  _gristmill "$@"
else
  compdef _gristmill gristmill
fi
