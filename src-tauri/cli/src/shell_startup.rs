//! What makes a shell of `mcm shell`: the user's own start files first, then the environment's variables again, where a start
//! file changed them, and the mark of the prompt.
//!
//! The scripts are in the run's folder and hold no value: they remember the variables before the start files run. Every
//! name in them is of the table of variables, and the environment's name has a grammar without anything that a shell
//! interprets.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ValueEnum as _;
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::Error;
use mcm_core::file;

use crate::prompt;
use crate::shell::{Shell, quoted_for_fish};
use crate::variables::Changes;

/// A shell that `mcm shell` can start.
#[derive(Clone, Copy)]
pub(crate) struct StartedShell {
    pub(crate) shell: Shell,
    start: fn(&StartFiles<'_>) -> Result<ShellStart, Error>,
}

impl StartedShell {
    /// None for a shell whose start files are not known.
    pub(crate) fn of(shell: Shell) -> Option<Self> {
        let start: fn(&StartFiles<'_>) -> _ = match shell {
            Shell::Bash => start_bash,
            Shell::Zsh => start_zsh,
            Shell::Fish => start_fish,
            Shell::Powershell | Shell::Nushell | Shell::Cmd => return None,
        };
        Some(Self { shell, start })
    }

    /// The names of all: "bash, zsh and fish".
    pub(crate) fn names() -> String {
        let known = Shell::value_variants().iter().copied();
        let names: Vec<&str> = known
            .filter_map(Self::of)
            .map(|started| started.shell.name())
            .collect();
        match names.split_last() {
            Some((last, others)) if !others.is_empty() => {
                format!("{} and {last}", others.join(", "))
            }
            _ => names.concat(),
        }
    }

    /// Writes the shell's start files into a folder.
    ///
    /// # Errors
    /// `storage-failed`.
    pub(crate) fn prepare(
        self,
        folder: &Path,
        named: &NamedEnvironment,
        changes: &Changes,
        zdotdir: Option<&str>,
    ) -> Result<ShellStart, Error> {
        let given: Vec<&str> = changes
            .given()
            .map(|(name, _)| name)
            .filter(|name| *name != "no_proxy" && *name != "NO_PROXY")
            .collect();
        let removed: Vec<&str> = changes.removed().collect();
        (self.start)(&StartFiles {
            folder,
            given: given.join(" "),
            removed: removed.join(" "),
            colour: prompt::code(
                named.settings.colour.as_deref().unwrap_or_default(),
                named.settings.is_protected,
            ),
            zdotdir,
        })
    }
}

/// What starts a shell in the environment.
#[derive(Default)]
pub(crate) struct ShellStart {
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Its further variables.
    pub(crate) variables: Vec<(&'static str, OsString)>,
}

/// Where start files are written, and what is filled in.
struct StartFiles<'a> {
    folder: &'a Path,
    /// The names of the environment's variables.
    given: String,
    /// The names of the variables that are unset.
    removed: String,
    /// The terminal's code of the prompt's colour.
    colour: &'static str,
    /// The user's own folder of zsh's start files.
    zdotdir: Option<&'a str>,
}

impl StartFiles<'_> {
    fn write(&self, name: &str, script: &str) -> Result<PathBuf, Error> {
        let path = self.folder.join(name);
        let script = script
            .replace("@GIVEN@", &self.given)
            .replace("@REMOVED@", &self.removed)
            .replace("@COLOUR@", self.colour);
        file::replace(&path, script.as_bytes())?;
        Ok(path)
    }
}

fn start_bash(files: &StartFiles<'_>) -> Result<ShellStart, Error> {
    let path = files.write("bashrc", BASH)?;
    Ok(ShellStart {
        arguments: vec!["--rcfile".into(), path.into(), "-i".into()],
        ..ShellStart::default()
    })
}

fn start_zsh(files: &StartFiles<'_>) -> Result<ShellStart, Error> {
    files.write(".zshenv", ZSHENV)?;
    files.write(".zshrc", ZSHRC)?;
    let own = files.zdotdir.map(|own| ("MCM_SHELL_ZDOTDIR", own.into()));
    let variables = own.into_iter().chain([("ZDOTDIR", files.folder.into())]);
    Ok(ShellStart {
        arguments: vec!["-i".into()],
        variables: variables.collect(),
    })
}

fn start_fish(files: &StartFiles<'_>) -> Result<ShellStart, Error> {
    let path = files.write("init.fish", FISH)?;
    let source = format!("source {}", quoted_for_fish(&path.to_string_lossy()));
    Ok(ShellStart {
        arguments: vec!["-i".into(), "-C".into(), source.into()],
        ..ShellStart::default()
    })
}

/// The minutes that are left are computed by the shell, without a process.
const BASH: &str = r#"# Made by mcm shell.
for __mcm_name in @GIVEN@; do declare "__mcm_keep_$__mcm_name=${!__mcm_name-}"; done
if [ -r ~/.bashrc ]; then . ~/.bashrc; fi
for __mcm_name in @GIVEN@; do
  __mcm_keep="__mcm_keep_$__mcm_name"
  if [ "${!__mcm_name-}" != "${!__mcm_keep-}" ]; then
    printf 'mcm: %s was changed by a start file and is put back.\n' "$__mcm_name" >&2
    export "$__mcm_name=${!__mcm_keep-}"
  fi
  unset "$__mcm_keep"
done
for __mcm_name in @REMOVED@; do
  if [ -n "${!__mcm_name+x}" ]; then
    printf 'mcm: %s was set by a start file and is unset.\n' "$__mcm_name" >&2
    unset "$__mcm_name"
  fi
done
unset __mcm_name __mcm_keep
__mcm_prompt() {
  local __mcm_status=$?
  __mcm_mark="[${MCM_ENVIRONMENT-}${MCM_ENVIRONMENT_PROTECTED:+ PROTECTED}"
  if [ -n "${MCM_ENVIRONMENT_UNTIL-}" ]; then
    local __mcm_left=$(( MCM_ENVIRONMENT_UNTIL - ${EPOCHSECONDS:-0} ))
    if [ "$__mcm_left" -gt 0 ]; then __mcm_mark+=" $(( (__mcm_left + 59) / 60 ))m"; else __mcm_mark+=" OVER"; fi
  fi
  __mcm_mark+="] "
  case "${PS1-}" in *'${__mcm_mark}'*) ;; *) PS1='\[\e[@COLOUR@m\]${__mcm_mark}\[\e[0m\]'"${PS1-}" ;; esac
  return "$__mcm_status"
}
if [[ "$(declare -p PROMPT_COMMAND 2>/dev/null)" == 'declare -a'* ]]; then
  PROMPT_COMMAND+=(__mcm_prompt)
else
  PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__mcm_prompt"
fi
"#;

const ZSHENV: &str = r#"# Made by mcm shell.
__mcm_folder=$ZDOTDIR
typeset -A __mcm_keep
for __mcm_name in @GIVEN@; do __mcm_keep[$__mcm_name]=${(P)__mcm_name}; done
if [[ -n ${MCM_SHELL_ZDOTDIR-} ]]; then export ZDOTDIR=$MCM_SHELL_ZDOTDIR; else unset ZDOTDIR; fi
unset MCM_SHELL_ZDOTDIR
if [[ -r ${ZDOTDIR:-$HOME}/.zshenv ]]; then . ${ZDOTDIR:-$HOME}/.zshenv; fi
__mcm_zdotdir=${ZDOTDIR-}
ZDOTDIR=$__mcm_folder
"#;

const ZSHRC: &str = r#"# Made by mcm shell.
if [[ -n $__mcm_zdotdir ]]; then export ZDOTDIR=$__mcm_zdotdir; else unset ZDOTDIR; fi
if [[ ${HISTFILE-} == $__mcm_folder/* ]]; then HISTFILE=${ZDOTDIR:-$HOME}/${HISTFILE:t}; fi
unset __mcm_folder __mcm_zdotdir
if [[ -r ${ZDOTDIR:-$HOME}/.zshrc ]]; then . ${ZDOTDIR:-$HOME}/.zshrc; fi
for __mcm_name in ${(k)__mcm_keep}; do
  if [[ ${(P)__mcm_name-} != ${__mcm_keep[$__mcm_name]} ]]; then
    print -ru2 -- "mcm: $__mcm_name was changed by a start file and is put back."
    export $__mcm_name=${__mcm_keep[$__mcm_name]}
  fi
done
for __mcm_name in @REMOVED@; do
  if [[ -n ${(P)__mcm_name+x} ]]; then
    print -ru2 -- "mcm: $__mcm_name was set by a start file and is unset."
    unset $__mcm_name
  fi
done
unset __mcm_name __mcm_keep
zmodload zsh/datetime
__mcm_prompt() {
  local mark="[${MCM_ENVIRONMENT-}${MCM_ENVIRONMENT_PROTECTED:+ PROTECTED}"
  if [[ -n ${MCM_ENVIRONMENT_UNTIL-} ]]; then
    local -i left=$(( MCM_ENVIRONMENT_UNTIL - EPOCHSECONDS ))
    if (( left > 0 )); then mark+=" $(( (left + 59) / 60 ))m"; else mark+=" OVER"; fi
  fi
  typeset -g __mcm_shown=${__mcm_shown-}
  if [[ -n $__mcm_shown && $PROMPT == $__mcm_shown* ]]; then PROMPT=${PROMPT#$__mcm_shown}; fi
  __mcm_shown="%{"$'\e'"[@COLOUR@m%}${mark//\%/%%}]%{"$'\e'"[0m%} "
  PROMPT=$__mcm_shown$PROMPT
}
autoload -Uz add-zsh-hook
add-zsh-hook precmd __mcm_prompt
"#;

/// fish has read its start files when this runs. What it was started with is still in `/proc`, where its number may be that
/// of a process outside of its container.
const FISH: &str = r#"# Made by mcm shell.
set -l __mcm_given @GIVEN@
if test -r /proc/self/environ
    for __mcm_pair in (string split0 < /proc/self/environ)
        set -l __mcm_parts (string split -m 1 = -- $__mcm_pair)
        if contains -- $__mcm_parts[1] $__mcm_given
            set -l __mcm_now $$__mcm_parts[1]
            if test "$__mcm_now" != "$__mcm_parts[2]"
                echo "mcm: $__mcm_parts[1] was changed by a start file and is put back." >&2
                set -gx $__mcm_parts[1] $__mcm_parts[2]
            end
        end
    end
end
for __mcm_name in @REMOVED@
    if set -q $__mcm_name
        echo "mcm: $__mcm_name was set by a start file and is unset." >&2
        set -e $__mcm_name
    end
end
if functions -q fish_prompt
    functions -c fish_prompt __mcm_prompt_of_the_user
else
    function __mcm_prompt_of_the_user
        echo '> '
    end
end
function fish_prompt
    set -l __mcm_status $status
    set -l __mcm_mark "[$MCM_ENVIRONMENT"
    set -q MCM_ENVIRONMENT_PROTECTED; and set __mcm_mark "$__mcm_mark PROTECTED"
    if set -q MCM_ENVIRONMENT_UNTIL
        set -l __mcm_left (math $MCM_ENVIRONMENT_UNTIL - (date +%s))
        if test $__mcm_left -gt 0
            set __mcm_mark "$__mcm_mark "(math -s 0 "($__mcm_left + 59) / 60")m
        else
            set __mcm_mark "$__mcm_mark OVER"
        end
    end
    printf '\e[@COLOUR@m%s]\e[0m ' "$__mcm_mark"
    test $__mcm_status -eq 0; or begin; function __mcm_return; return $argv[1]; end; __mcm_return $__mcm_status; end
    __mcm_prompt_of_the_user
end
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell_arguments::SHELL_HELP;

    #[test]
    fn the_help_names_the_shells_that_can_be_started() {
        let names = StartedShell::names();
        assert_eq!(names, "bash, zsh and fish");
        assert!(SHELL_HELP.contains(&names));
    }
}
