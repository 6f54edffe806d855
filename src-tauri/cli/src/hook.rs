//! `mcm hook`: the lines that make a shell follow `mcm use` and `.mcm.toml`.
//!
//! Where nothing changed, the shell finds that out itself, without a process: its folder, and the path and content of the
//! nearest `.mcm.toml`. Where there is none, folders are alike, but for those below a link, whose real parents `mcm` knows. The
//! rest of the key is what another hook may have put back: the shims on PATH, and the state. Else it evaluates what
//! `mcm hook-lines` prints (`hook_lines.rs`). In bash a prompt comes too late for `cd prod && terraform apply`, so `cd`,
//! `pushd` and `popd` look as well; so does `cd` in nushell. PowerShell reports each change of folder.

mod powershell_and_nushell;

use mcm_core::error::Error;
use mcm_core::world::Environment;

use self::powershell_and_nushell::{NUSHELL, POWERSHELL};
use crate::output::print;
use crate::program;
use crate::shell::{Language, Shell, quoted_for_fish, quoted_for_posix, quoted_for_powershell};
use crate::terminal_look::TerminalLook;

/// The hook of a shell.
#[derive(Clone, Copy)]
pub(crate) struct Hook {
    pub(crate) shell: Shell,
    /// The line of the shell's start file that loads the hook.
    pub(crate) load_line: &'static str,
    script: &'static str,
    /// Makes a word of the shell's language.
    quoted: fn(&str) -> String,
    pub(crate) reads: Reads,
}

/// The form in which a hook reads variables that change.
#[derive(Clone, Copy)]
pub(crate) enum Reads {
    /// Lines, and a command that does nothing.
    Lines(Language, &'static str),
    /// An object with `unset` and `set`.
    Json,
}

impl Hook {
    /// None for a shell that has no hook.
    pub(crate) fn of(shell: Shell) -> Option<Self> {
        Some(match shell {
            Shell::Bash => Self {
                shell,
                load_line: "eval \"$(mcm hook bash)\"",
                script: BASH,
                quoted: quoted_for_posix,
                reads: Reads::Lines(Language::Posix, ":"),
            },
            Shell::Zsh => Self {
                shell,
                load_line: "eval \"$(mcm hook zsh)\"",
                script: ZSH,
                quoted: quoted_for_posix,
                reads: Reads::Lines(Language::Posix, ":"),
            },
            Shell::Fish => Self {
                shell,
                load_line: "mcm hook fish | source",
                script: FISH,
                quoted: quoted_for_fish,
                reads: Reads::Lines(Language::Fish, ":"),
            },
            Shell::Powershell => Self {
                shell,
                load_line: "mcm hook powershell | Out-String | Invoke-Expression",
                script: POWERSHELL,
                quoted: quoted_for_powershell,
                reads: Reads::Lines(Language::Powershell, "$null = 0"),
            },
            Shell::Nushell => Self {
                shell,
                load_line: "mcm hook nushell | save -f ($nu.user-autoload-dirs.0 | path join mcm.nu)",
                script: NUSHELL,
                // What JSON escapes in a path, nushell reads alike between double quotation marks.
                quoted: |text| serde_json::Value::from(text).to_string(),
                reads: Reads::Json,
            },
            Shell::Cmd => return None,
        })
    }

    /// Prints the hook.
    ///
    /// # Errors
    /// Those of `program::of_this_process` and of `print`.
    pub(crate) fn print(self, look: TerminalLook, environment: &Environment) -> Result<(), Error> {
        let path = program::of_this_process(environment)?;
        let call = format!("hook-lines --shell {}", self.shell.name());
        let script = self
            .script
            .replace("@MCM@", &(self.quoted)(&path))
            .replace("@VERSION@", VERSION)
            .replace(&call, &(call.clone() + &look.as_options()));
        print(script.trim_end())
    }
}

/// Grows with every change of the scripts, so that `mcm doctor` knows an old one.
pub(crate) const VERSION: &str = "3";

const BASH: &str = r#"
__mcm_program=@MCM@
export MCM_HOOK="@VERSION@:$$"
__mcm_key=
__mcm_hook() {
  local __mcm_status=$? __mcm_folder=$PWD __mcm_text= __mcm_new= __mcm_lines
  while [[ -n $__mcm_folder && ! -e $__mcm_folder/.mcm.toml ]]; do
    if [[ -L $__mcm_folder ]]; then __mcm_new=$PWD; fi
    __mcm_folder=${__mcm_folder%/*}
  done
  if [[ -f $__mcm_folder/.mcm.toml && -r $__mcm_folder/.mcm.toml ]]; then
    IFS= read -r -d '' -n 4097 __mcm_text < "$__mcm_folder/.mcm.toml" || :
  fi
  if [[ -n $__mcm_folder$__mcm_text ]]; then __mcm_new=$PWD; fi
  __mcm_new="$__mcm_new|$__mcm_folder|$__mcm_text"
  __mcm_look
  if [[ "$__mcm_new|$__mcm_mark" != "$__mcm_key" ]]; then
    if __mcm_lines=$("$__mcm_program" hook-lines --shell bash); then eval "$__mcm_lines"; fi
    __mcm_look
    __mcm_key="$__mcm_new|$__mcm_mark"
  fi
  return "$__mcm_status"
}
__mcm_look() {
  __mcm_mark=${MCM_HOOK_STATE:+s}
  if [[ ":$PATH:" == */mcm-shims:* ]]; then __mcm_mark+=p; fi
}
mcm() {
  local __mcm_lines
  if [[ ${1-} == use && $# -eq 2 && ${2-} != -h && ${2-} != --help ]]; then
    local -a __mcm_choice=(--use "$2")
    if [[ $2 == --off ]]; then __mcm_choice=(--off); fi
    __mcm_lines=$("$__mcm_program" hook-lines --shell bash "${__mcm_choice[@]}") || return
    if [[ -n $__mcm_lines ]]; then eval "$__mcm_lines"; return 0; fi
  fi
  if [[ ${1-} == doctor ]]; then
    local __mcm_cd
    __mcm_cd=$(declare -f cd)
    if [[ "${PROMPT_COMMAND[*]-}" == *__mcm_hook* && $__mcm_cd == *__mcm_hook* ]]; then local -x MCM_HOOK="$MCM_HOOK:intact"; fi
    "$__mcm_program" "$@"
    return
  fi
  "$__mcm_program" "$@" || return
  case ${1-} in allow|deny|environment) __mcm_key=; __mcm_hook ;; esac
}
for __mcm_name in cd pushd popd; do
  if declare -F "__mcm_before_$__mcm_name" >/dev/null; then continue; fi
  if declare -F "$__mcm_name" >/dev/null; then
    eval "__mcm_before_$(declare -f "$__mcm_name")"
  else
    eval "__mcm_before_$__mcm_name() { builtin $__mcm_name \"\$@\"; }"
  fi
  eval "$__mcm_name() { __mcm_before_$__mcm_name \"\$@\" || return; __mcm_hook; }"
done
unset __mcm_name
if [[ "$(declare -p PROMPT_COMMAND 2>/dev/null)" == 'declare -a'* ]]; then
  if [[ " ${PROMPT_COMMAND[*]} " != *" __mcm_hook "* ]]; then PROMPT_COMMAND+=(__mcm_hook); fi
elif [[ ${PROMPT_COMMAND-} != *__mcm_hook* ]]; then
  PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__mcm_hook"
fi
"#;

const ZSH: &str = r#"
__mcm_program=@MCM@
export MCM_HOOK="@VERSION@:$$"
__mcm_key=
__mcm_hook() {
  emulate -L zsh
  local mcm_folder=$PWD mcm_text= mcm_new= mcm_lines
  while [[ -n $mcm_folder && ! -e $mcm_folder/.mcm.toml ]]; do
    if [[ -L $mcm_folder ]]; then mcm_new=$PWD; fi
    mcm_folder=${mcm_folder%/*}
  done
  if [[ -f $mcm_folder/.mcm.toml && -r $mcm_folder/.mcm.toml ]]; then
    IFS= read -r -d '' -u 0 mcm_text < $mcm_folder/.mcm.toml || :
  fi
  if [[ -n $mcm_folder$mcm_text ]]; then mcm_new=$PWD; fi
  mcm_new="$mcm_new|$mcm_folder|$mcm_text"
  __mcm_look
  if [[ "$mcm_new|$__mcm_mark" != "$__mcm_key" ]]; then
    if mcm_lines=$("$__mcm_program" hook-lines --shell zsh); then eval "$mcm_lines"; fi
    __mcm_look
    __mcm_key="$mcm_new|$__mcm_mark"
  fi
}
__mcm_look() {
  __mcm_mark=${MCM_HOOK_STATE:+s}
  if [[ ":$PATH:" == */mcm-shims:* ]]; then __mcm_mark+=p; fi
}
mcm() {
  local mcm_lines
  if [[ ${1-} == use && $# -eq 2 && ${2-} != -h && ${2-} != --help ]]; then
    local -a mcm_choice=(--use "$2")
    if [[ $2 == --off ]]; then mcm_choice=(--off); fi
    mcm_lines=$("$__mcm_program" hook-lines --shell zsh "${mcm_choice[@]}") || return
    if [[ -n $mcm_lines ]]; then eval "$mcm_lines"; return 0; fi
  fi
  if [[ ${1-} == doctor ]]; then
    if (( ${precmd_functions[(I)__mcm_hook]} && ${chpwd_functions[(I)__mcm_hook]} )); then local -x MCM_HOOK="$MCM_HOOK:intact"; fi
    "$__mcm_program" "$@"
    return
  fi
  "$__mcm_program" "$@" || return
  case ${1-} in (allow|deny|environment) __mcm_key=; __mcm_hook ;; esac
}
autoload -Uz add-zsh-hook
add-zsh-hook chpwd __mcm_hook
add-zsh-hook precmd __mcm_hook
"#;

const FISH: &str = r#"
set -g __mcm_program @MCM@
set -gx MCM_HOOK "@VERSION@:$fish_pid"
set -g __mcm_key ''
function __mcm_hook --on-variable PWD --on-event fish_prompt
    set -l mcm_status $status
    set -l mcm_folder $PWD
    set -l mcm_text ''
    set -l mcm_new ''
    while test -n "$mcm_folder"; and not test -e "$mcm_folder/.mcm.toml"
        test -L "$mcm_folder"; and set mcm_new $PWD
        set mcm_folder (string replace -r '/[^/]*$' '' -- $mcm_folder)
    end
    if test -f "$mcm_folder/.mcm.toml" -a -r "$mcm_folder/.mcm.toml"
        read -z mcm_text < "$mcm_folder/.mcm.toml"
    end
    test -n "$mcm_folder$mcm_text"; and set mcm_new $PWD
    set mcm_new "$mcm_new|$mcm_folder|$mcm_text"
    __mcm_look
    if test "$mcm_new|$__mcm_mark" != "$__mcm_key"
        set -l mcm_lines ($__mcm_program hook-lines --shell fish | string collect)
        and eval $mcm_lines
        __mcm_look
        set -g __mcm_key "$mcm_new|$__mcm_mark"
    end
    return $mcm_status
end
function __mcm_look
    set -g __mcm_mark ''
    set -q MCM_HOOK_STATE; and set __mcm_mark s
    string match -q '*/mcm-shims:*' ":"(string join : $PATH)":"; and set __mcm_mark "$__mcm_mark"p
end
function mcm
    if test "$argv[1]" = use -a (count $argv) -eq 2; and not contains -- $argv[2] -h --help
        set -l mcm_choice --use $argv[2]
        if test "$argv[2]" = --off
            set mcm_choice --off
        end
        set -l mcm_lines ($__mcm_program hook-lines --shell fish $mcm_choice | string collect)
        if test $pipestatus[1] -ne 0
            return 1
        end
        if test -n "$mcm_lines"
            eval $mcm_lines
            return 0
        end
    end
    if test "$argv[1]" = doctor
        functions --handlers | string match -q '*__mcm_hook*'; and set -lx MCM_HOOK "$MCM_HOOK:intact"
        $__mcm_program $argv
        return
    end
    $__mcm_program $argv
    or return
    if contains -- "$argv[1]" allow deny environment
        set -g __mcm_key ''
        __mcm_hook
    end
end
"#;
