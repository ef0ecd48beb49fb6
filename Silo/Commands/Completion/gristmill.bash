# Completion of gristmill for bash: commands, options, and the names of queues, silos and jobs. Load it with
#   source <(gristmill completion bash)
# or put it into ~/.local/share/bash-completion/completions/gristmill.
_gristmill() {
  local line=${COMP_LINE:0:COMP_POINT} word cut
  line="gristmill ${line#*[[:blank:]]}"
  word=${line##*[[:blank:]]}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]}" "[suggest:${#line}]" "$line" 2>/dev/null)
  # bash takes ':' and '=' for the ends of words, and replaces only what stands behind the last.
  cut=${word%"${word##*[:=]}"}
  COMPREPLY=("${COMPREPLY[@]#"$cut"}")
}
complete -o bashdefault -o default -F _gristmill gristmill
