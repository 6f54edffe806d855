//! The arguments of `mcm shell`, `mcm sessions` and `mcm prompt`, and their help.

use clap::Args;

use crate::shell::Shell;
use crate::shell_startup::StartedShell;
use crate::terminal_look::TerminalLook;

pub(crate) const SHELL_HELP: &str = "\
Starts your shell in an environment. It reads your start files and history as always; then the environment's variables are
put back, where a start file changed them. The prompt begins with the environment's name. Everything renews itself, as under
\"mcm exec\", and ends with the shell. bash, zsh and fish are known; for another one use \"mcm exec -E NAME -- SHELL\".

--read-only issues credentials that read and change nothing: AWS roles with ReadOnlyAccess as session policy, and Google Cloud where
only reading was granted. Azure, and roles of IAM Identity Center, cannot be narrowed and are refused.

Example:
  mcm shell dev";

pub(crate) const SESSIONS_HELP: &str = "\
Lists each \"mcm exec\" and \"mcm shell\" that runs. --revoke cuts one off: its endpoint refuses every request from then on. What it holds
already stays valid until it expires, and is named.

--json prints {\"sessions\":[…]}, each with id, kind (exec or shell), environment, accounts (their ids), program, pid, terminal,
since, until, readOnly, revoked and held: account, issuedAt and expiresAt of each credential that has not expired. New fields may appear;
existing ones keep their meaning.";

pub(crate) const PROMPT_HELP: &str = "\
Prints the name of the environment in this shell, for a prompt; nothing outside of one. It goes by variables alone and reads
no file. A protected environment shows PROTECTED and the minutes that are left.

Variables: MCM_ENVIRONMENT, MCM_ENVIRONMENT_COLOUR, MCM_ENVIRONMENT_PROTECTED (1), MCM_ENVIRONMENT_UNTIL (seconds since 1970).";

#[derive(Args)]
pub(crate) struct ShellOptions {
    /// The environment
    #[arg(value_name = "NAME")]
    pub(crate) environment: String,
    /// The shell [default: the one in SHELL]
    #[arg(long, value_name = "SHELL", value_parser = Shell::parser(StartedShell::of))]
    pub(crate) shell: Option<StartedShell>,
    /// Issue credentials that read and change nothing: AWS roles and Google Cloud
    #[arg(long)]
    pub(crate) read_only: bool,
    /// Go on where a tool would work as another identity, which is reported
    #[arg(long)]
    pub(crate) force: bool,
    /// Open a browser if sign-in is needed, before the shell starts
    #[arg(long)]
    pub(crate) interactive: bool,
    #[command(flatten)]
    pub(crate) look: TerminalLook,
}

#[derive(Args)]
pub(crate) struct SessionsOptions {
    /// Cut off the one with this id
    #[arg(long, value_name = "ID")]
    pub(crate) revoke: Option<String>,
    /// Print JSON
    #[arg(long, conflicts_with = "revoke")]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PromptOptions {
    /// Print it in the environment's colour
    #[arg(long)]
    pub(crate) coloured: bool,
}
