/**
 * The scripts of `guard completion`. They hand what was typed to guard as it stands: nothing of it is evaluated, since half a
 * line with a redirection or a substitution in it must not do anything at the tab key.
 */
export const completionScripts = {
  bash: `
_guard() {
  local -a words
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]] && words+=('')
  local found
  COMPREPLY=()
  while IFS=$'\\t' read -r found _; do if [[ $found == : ]]; then compopt +o default; else COMPREPLY+=("$found"); fi; done \\
    < <(guard complete -- "\${words[@]:1}" 2>/dev/null)
  # bash replaces only what follows the last of these signs.
  local typed=\${words[-1]} sign
  for sign in = :; do
    if [[ $typed == *$sign* && $COMP_WORDBREAKS == *$sign* ]]; then COMPREPLY=("\${COMPREPLY[@]#"\${typed%"$sign"*}$sign"}"); fi
  done
}
# Where guard completes nothing and does not say ":", names of files are completed.
complete -o default -F _guard guard
`,
  zsh: `
#compdef guard
_guard() {
  local -a found
  found=("\${(@f)$(guard complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  found=("\${(@)found%%$'\\t'*}")
  if [[ -z \${found[1]-} ]]; then _files; else compadd -- "\${(@)found:#:}"; fi
}
if [[ \${funcstack[1]-} == _guard ]]; then _guard "$@"; else compdef _guard guard; fi
`,
  fish: `
function __guard_complete
  set -l found (guard complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if string match -qr . -- $found
    string match -v ":*" -- $found
  else
    __fish_complete_path (commandline -ct)
  end
end
# -f: names of files are completed only where guard completes nothing.
complete -c guard -f -a '(__guard_complete)'
`,
} as const;
