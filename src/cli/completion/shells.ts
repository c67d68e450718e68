/** Each script hands the words of the line on, and shows what comes back: what there is is known in one place alone. */

export const bash = (): string => `# coffer completion bash
_coffer() {
  local IFS=$'\\n' cur=\${COMP_WORDS[COMP_CWORD]}
  local line=\${COMP_LINE:0:COMP_POINT}
  local -a words=()
  # Bash splits at colons and equals signs, names do not.
  IFS=' ' read -r -a words <<< "$line"
  case "$line" in *' ') words+=('') ;; esac
  local typed=\${words[\${#words[@]}-1]}
  local cut=\${typed%"$cur"}
  COMPREPLY=()
  local word
  while read -r word; do
    [[ $word == "$typed"* ]] || continue
    # Names come from whoever stored them: each is one word, and nothing of it is run.
    printf -v word '%q' "\${word#"$cut"}"
    COMPREPLY+=("$word")
  done < <("\${words[0]}" completion words -- "\${words[@]:1}" 2> /dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == */ ]] && compopt -o nospace
  return 0
}
complete -o default -F _coffer coffer
`

export const zsh = (): string => `#compdef coffer
# coffer completion zsh
_coffer() {
  local -a found folders
  found=("\${(@f)$(coffer completion words -- "\${(@Q)words[2,CURRENT]}" 2> /dev/null)}")
  found=(\${found:#})
  if (( ! \${#found} )); then _files; return; fi
  # After a folder one goes on typing.
  folders=(\${(M)found:#*/})
  found=(\${found:#*/})
  (( \${#folders} )) && compadd -S '' -- $folders
  (( \${#found} )) && compadd -- $found
}
# From a directory of fpath it is called as it is read; sourced, it says what it completes.
if [[ $funcstack[1] == _coffer ]]; then _coffer "$@"; elif (( $+functions[compdef] )); then compdef _coffer coffer; fi
`

export const fish = (): string => `# coffer completion fish
function __coffer_words
  set -l words (commandline -opc) (commandline -ct)
  set -l found (coffer completion words -- $words[2..-1] 2> /dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c coffer -f -a '(__coffer_words)'
`

export const pwsh = (): string => `# coffer completion pwsh
Register-ArgumentCompleter -Native -CommandName coffer -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @($commandAst.CommandElements | Select-Object -Skip 1 | ForEach-Object { $_.ToString() })
  if ($wordToComplete -eq '') { $words += '' }
  coffer completion words -- @words 2> $null | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    # Names come from whoever stored them: each is one word, and nothing of it is run.
    $text = if ($_ -match '^[\\w./:=+%-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
  }
}
`
