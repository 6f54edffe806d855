//! The arguments of `mcm hook`, `mcm allow`, `mcm deny` and of what the hook runs, and their help.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::shell::Shell;

pub(crate) const HOOK_HELP: &str = "\
Add to the end of the shell's start file:

  bash   eval \"$(mcm hook bash)\"      in ~/.bashrc
  zsh    eval \"$(mcm hook zsh)\"       in ~/.zshrc
  fish   mcm hook fish | source       in ~/.config/fish/config.fish

Then \"mcm use ENVIRONMENT\" changes this terminal alone, \"mcm use --off\" ends that, and a .mcm.toml in a folder, once you
allowed it, chooses an environment there:

  environment = \"dev\"

The hook sets names and no secret: profile, regions, tenant, subscription, project, folders for az and azd, KUBECONFIG. It unsets
what would win, which \"mcm use --off\" and leaving the folder undo; a credential does not come back. az, azd, gcloud,
terraform, tofu and pulumi are run through \"mcm exec\", and tokens that Azure's libraries ask az and azd for are the
environment's. A variable that you change by hand stays yours.

Programs that use Google's libraries need \"mcm exec -E\" or \"mcm shell\".";

pub(crate) const ALLOW_HELP: &str = "\
Lets the nearest .mcm.toml, here or above, choose the environment in its folder. The permission is for its path and content:
when either changes, mcm asks again. A linked worktree of git has that of its main checkout. It never allows a protected
environment, and an agent's shell cannot give it.";

/// A shell that has a hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum HookShell {
    Bash,
    Zsh,
    Fish,
}

impl HookShell {
    /// The shell that reads the lines.
    pub(crate) fn shell(self) -> Shell {
        match self {
            Self::Bash => Shell::Bash,
            Self::Zsh => Shell::Zsh,
            Self::Fish => Shell::Fish,
        }
    }
}

#[derive(Args)]
pub(crate) struct HookOptions {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: HookShell,
}

#[derive(Args)]
pub(crate) struct HookLinesOptions {
    /// The shell that reads the lines
    #[arg(long, value_enum)]
    pub(crate) shell: HookShell,
    /// The terminal's choice
    #[arg(long = "use", value_name = "NAME", conflicts_with = "off")]
    pub(crate) use_environment: Option<String>,
    /// End the terminal's choice
    #[arg(long)]
    pub(crate) off: bool,
}

#[derive(Args)]
pub(crate) struct ShimOptions {
    /// The tool
    pub(crate) tool: String,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) arguments: Vec<OsString>,
}
