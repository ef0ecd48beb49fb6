# Completion of gristmill for fish: commands, options, and the names of queues, silos and jobs. Load it with
#   gristmill completion fish | source
# or put it into ~/.config/fish/completions/gristmill.fish.
function __gristmill_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l line (string join ' ' -- gristmill $words[2..-1])
    $words[1] "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
end
complete -c gristmill -f -a '(__gristmill_complete)'
