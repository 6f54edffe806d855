//! The arguments of `mcm hook`, `mcm allow`, `mcm deny` and of what the hook runs, and their help.

use std::ffi::OsString;

use clap::Args;

use crate::hook::Hook;
use crate::shell::Shell;
use crate::terminal_look::TerminalLook;

pub(crate) const HOOK_HELP: &str = "\
Add to the end of the shell's start file:

  bash   eval \"$(mcm hook bash)\"      in ~/.bashrc
  zsh    eval \"$(mcm hook zsh)\"       in ~/.zshrc
  fish   mcm hook fish | source       in ~/.config/fish/config.fish

  PowerShell 7.2 or later, in the file that $PROFILE names:
  mcm hook powershell | Out-String | Invoke-Expression

nushell evaluates no text, so it loads a file at its start. Run this once, and again after an update of mcm:
  mcm hook nushell | save -f ($nu.user-autoload-dirs.0 | path join mcm.nu)

Then \"mcm use ENVIRONMENT\" changes this terminal alone, \"mcm use --off\" ends that, and a .mcm.toml in a folder, once you
allowed it, chooses an environment there:

  environment = \"dev\"

The hook sets names and no secret: profile, regions, tenant, subscription, project, folders for az and azd, KUBECONFIG. It unsets
what would win, which \"mcm use --off\" and leaving the folder undo; a credential does not come back. az, azd, gcloud,
terraform, tofu and pulumi are run through \"mcm exec\", and tokens that Azure's libraries ask az and azd for are the
environment's. A variable that you change by hand stays yours.

--title and --tint show the environment in the terminal's title and background too, until it is left.

Programs that use Google's libraries need \"mcm exec -E\" or \"mcm shell\".";

pub(crate) const ALLOW_HELP: &str = "\
Lets the nearest .mcm.toml, here or above, choose the environment in its folder. The permission is for its path and content:
when either changes, mcm asks again. A linked worktree of git has that of its main checkout. It never allows a protected
environment, and an agent's shell cannot give it.";

#[derive(Args)]
pub(crate) struct HookOptions {
    /// The shell
    #[arg(value_name = "SHELL", value_parser = Shell::parser(Hook::of))]
    pub(crate) hook: Hook,
    #[command(flatten)]
    pub(crate) look: TerminalLook,
}

#[derive(Args)]
pub(crate) struct HookLinesOptions {
    /// The shell that reads the lines
    #[arg(long = "shell", value_name = "SHELL", value_parser = Shell::parser(Hook::of))]
    pub(crate) hook: Hook,
    /// The terminal's choice
    #[arg(long = "use", value_name = "NAME", conflicts_with = "off")]
    pub(crate) use_environment: Option<String>,
    /// End the terminal's choice
    #[arg(long)]
    pub(crate) off: bool,
    #[command(flatten)]
    pub(crate) look: TerminalLook,
}

#[derive(Args)]
pub(crate) struct ShimOptions {
    /// The tool
    pub(crate) tool: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn the_help_has_the_line_of_each_shell() {
        let shells = Shell::value_variants().iter().copied();
        for hook in shells.filter_map(Hook::of) {
            assert!(HOOK_HELP.contains(hook.load_line), "{:?}", hook.shell);
        }
    }
}
