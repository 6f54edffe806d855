//! The files of one run of `mcm exec`: copies of AWS's, the credential file for Google's libraries, a folder for `az` and
//! one for `azd`. None of them holds a secret of a cloud, and they go with the run.

use std::fs;
use std::path::{Path, PathBuf};

use mcm_core::account::{Account, Identity};
use mcm_core::environment::NamedEnvironment;
use mcm_core::error::{Code, Error};
use mcm_core::file::{self, RunFolder};
use mcm_core::other_tools::OtherTools;
use mcm_core::settings::{AzureCloud, Settings};
use mcm_core::world::{Environment, World};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::aws_files::{self, FileCopy};
use crate::bigquery_file::BigQueryFile;
use crate::environment_kubeconfig;
use crate::output::note;
use crate::variables::{Fact, Facts};
use crate::whoami::google::proxy_of_gcloud;

/// The folder of the copies. A program that cannot write to one shows its path.
const COPIES: &str = "read-only-copies-of-mcm-exec";
/// What gcloud gets when it would hand the endpoint's secrets to a proxy: a file that is not there.
const NO_GCLOUD_FILE: &str = "/nonexistent/gcloud-has-a-proxy-of-its-own/set-HTTPS_PROXY-instead";
/// The sections of `az`'s settings that name no identity.
const AZ_SECTIONS: [&str; 4] = ["core", "defaults", "extension", "logging"];

/// The files of one run, in a folder that is created for the first of them.
pub(super) struct RunFiles {
    base: PathBuf,
    folder: Option<RunFolder>,
    copies: Vec<(PathBuf, FileCopy)>,
}

impl RunFiles {
    pub(super) fn new(environment: &Environment) -> Self {
        Self {
            base: file::runtime_folder(environment.get("XDG_RUNTIME_DIR")),
            folder: None,
            copies: Vec::new(),
        }
    }

    /// The copies that AWS's tools need.
    pub(super) fn for_aws(&mut self, environment: &Environment) -> Result<Facts, Error> {
        let mut facts = Facts::new();
        for copy in aws_files::without_credentials(environment)? {
            let folder = self.subfolder(COPIES)?;
            let name = match copy.fact {
                Fact::AwsConfig => "config",
                Fact::AwsCredentials => "credentials",
                _ => "boto",
            };
            let path = folder.join(name);
            file::replace(&path, &copy.content)?;
            let mut permissions = fs::metadata(&path).map_err(unusable(&path))?.permissions();
            permissions.set_readonly(true);
            // Windows deletes no file that is read-only.
            if cfg!(unix) {
                fs::set_permissions(&path, permissions).map_err(unusable(&path))?;
            }
            facts.insert(copy.fact, shown_to_a_program(&path)?);
            self.copies.push((path, copy));
        }
        Ok(facts)
    }

    /// The credential file for Google's libraries and gcloud, the file that leads gsutil to it, and a copy of the settings
    /// of `bq` where these hold another credential.
    pub(super) fn for_google(
        &mut self,
        credential: &SecretString,
        environment: &Environment,
    ) -> Result<Facts, Error> {
        let folder = self.folder()?;
        let path = folder.join("google.json");
        file::replace(&path, credential.expose_secret().as_bytes())?;
        let google_file = shown_to_a_program(&path)?;
        let boto = folder.join("boto-for-gsutil");
        let text = format!(
            "[Credentials]\ngs_external_account_authorized_user_file = {}\n",
            google_file.expose_secret()
        );
        file::replace(&boto, text.as_bytes())?;
        let mut facts = Facts::new();
        let bigquery = BigQueryFile::read(environment).filter(|file| file.identity().is_some());
        if let Some(file) = bigquery {
            let path = folder.join("bigqueryrc");
            file::replace(&path, file.without_identity().as_bytes())?;
            facts.insert(Fact::BigQuery, shown_to_a_program(&path)?);
        }
        let gcloud_file = match proxy_of_gcloud(environment) {
            None => google_file.clone(),
            Some(proxy) => {
                note(&format!(
                    "gcloud would hand this run's secrets to its own proxy, {proxy}, so it gets no credential. Set HTTPS_PROXY, and \
                     unset proxy/type, proxy/address and proxy/port in gcloud."
                ));
                NO_GCLOUD_FILE.into()
            }
        };
        facts.extend([
            (Fact::GoogleFile, google_file),
            (Fact::GcloudFile, gcloud_file),
            (Fact::Boto, shown_to_a_program(&boto)?),
        ]);
        Ok(facts)
    }

    /// Folders in which `az` and `azd` are signed in by the identity endpoint alone.
    pub(super) fn for_azure(
        &mut self,
        account: &Account,
        settings: &Settings,
        environment: &Environment,
    ) -> Result<Facts, Error> {
        let own = OtherTools::of(environment).ok().map(|tools| tools.azure());
        let cloud = match settings.azure.cloud() {
            AzureCloud::Public => "AzureCloud",
            AzureCloud::UsGovernment => "AzureUSGovernment",
            AzureCloud::China => "AzureChinaCloud",
        };
        let az = self.subfolder("az")?;
        write_json(&az.join("azureProfile.json"), &az_profile(account, cloud))?;
        let kept = own
            .as_ref()
            .and_then(|folder| file::read(&folder.join("config")).ok().flatten());
        let kept = String::from_utf8_lossy(&kept.unwrap_or_default()).into_owned();
        let config = format!("{}[cloud]\nname = {cloud}\n", az_settings(&kept));
        file::replace(&az.join("config"), config.as_bytes())?;
        let azd = self.subfolder("azd")?;
        let mut azd_config = json!({ "auth": { "useAzCliAuth": "true" } });
        if let Some(subscription) = &account.target {
            azd_config["defaults"] = json!({ "subscription": subscription });
        }
        write_json(&azd.join("config.json"), &azd_config)?;

        let mut facts = Facts::from([
            (Fact::AzFolder, shown_to_a_program(&az)?),
            (Fact::AzdFolder, shown_to_a_program(&azd)?),
        ]);
        if let (None, Some(own)) = (environment.get("AZURE_EXTENSION_DIR"), own) {
            let extensions = own.join("cliextensions");
            facts.insert(Fact::AzExtensions, shown_to_a_program(&extensions)?);
        }
        Ok(facts)
    }

    /// A folder for the start files of a shell.
    pub(super) fn for_shell(&mut self) -> Result<PathBuf, Error> {
        self.subfolder("shell")
    }

    /// Empty folders, in which `az` and `azd` are not signed in.
    pub(super) fn without_azure(&mut self, environment: &Environment) -> Result<Facts, Error> {
        let mut facts = Facts::from([
            (Fact::AzFolder, shown_to_a_program(&self.subfolder("az")?)?),
            (
                Fact::AzdFolder,
                shown_to_a_program(&self.subfolder("azd")?)?,
            ),
        ]);
        if let (None, Ok(tools)) = (
            environment.get("AZURE_EXTENSION_DIR"),
            OtherTools::of(environment),
        ) {
            let extensions = tools.azure().join("cliextensions");
            facts.insert(Fact::AzExtensions, shown_to_a_program(&extensions)?);
        }
        Ok(facts)
    }

    /// The kubeconfig of an environment, before the user's own files or instead of them.
    pub(super) fn for_kubernetes(
        &mut self,
        named: &NamedEnvironment,
        content: &[u8],
        world: &World,
    ) -> Result<Facts, Error> {
        let own = self.subfolder("kube")?.join("config");
        file::replace(&own, content)?;
        let (environment, data) = (&world.environment, &world.paths.data);
        Ok(environment_kubeconfig::facts(own, named, environment, data))
    }

    /// Says of each copy that the command changed that the change is lost.
    pub(super) fn tell_lost_changes(&self) {
        for (path, copy) in &self.copies {
            if fs::read(path).is_ok_and(|content| content == copy.content) {
                continue;
            }
            note(&format!(
                "mcm: the command changed its copy of {}. That is lost, and the file is as it was. Change it without mcm exec.",
                copy.original.display()
            ));
        }
    }

    fn folder(&mut self) -> Result<PathBuf, Error> {
        let folder = match &mut self.folder {
            Some(folder) => folder,
            none => none.insert(RunFolder::make(&self.base)?),
        };
        Ok(folder.path().to_owned())
    }

    fn subfolder(&mut self, name: &str) -> Result<PathBuf, Error> {
        let path = self.folder()?.join(name);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(unusable(&path))?;
        Ok(path)
    }
}

/// What `az login --identity` would have written: the account's subscriptions, reached by the identity endpoint. Without
/// a chosen one the tenant stands for itself, as az has it for users without subscriptions.
fn az_profile(account: &Account, cloud: &str) -> Value {
    let tenant = match &account.identity {
        Identity::Azure { tenant_id, .. } => tenant_id.as_str(),
        _ => "",
    };
    let entry = |id: &str, name: &str, state: &str, is_default: bool| {
        json!({
            "id": id,
            "name": name,
            "state": state,
            "user": {
                "name": "systemAssignedIdentity",
                "type": "servicePrincipal",
                "assignedIdentityInfo": "MSI",
            },
            "isDefault": is_default,
            "tenantId": tenant,
            "homeTenantId": tenant,
            "environmentName": cloud,
            "managedByTenants": [],
        })
    };
    let chosen = account.target.as_deref();
    let listed = account.targets.iter().map(|target| {
        let state = target.state.as_deref().unwrap_or("Enabled");
        entry(
            &target.id,
            &target.name,
            state,
            chosen == Some(target.id.as_str()),
        )
    });
    let alone = match (chosen, account.chosen_target()) {
        (_, Some(_)) => None,
        (Some(gone), None) => Some(entry(gone, gone, "Enabled", true)),
        (None, None) => Some(entry(tenant, "N/A(tenant level account)", "Enabled", true)),
    };
    let subscriptions: Vec<Value> = alone.into_iter().chain(listed).collect();
    json!({ "subscriptions": subscriptions })
}

/// The user's settings of `az` that say how it works, without those that choose an identity.
fn az_settings(text: &str) -> String {
    let mut kept = String::new();
    let mut is_kept = false;
    for line in text.lines() {
        if let Some(title) = line.trim().strip_prefix('[') {
            is_kept = AZ_SECTIONS.contains(&title.trim_end_matches(']').trim());
        }
        if is_kept {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn write_json(path: &Path, value: &Value) -> Result<(), Error> {
    let text = serde_json::to_vec(value).expect("text and lists serialise");
    file::replace(path, &text)
}

/// A path as the value of a variable.
fn shown_to_a_program(path: &Path) -> Result<SecretString, Error> {
    let text = path.to_str().ok_or_else(|| {
        let message = format!(
            "\"{}\" is not Unicode text, so no program can be given it. Set XDG_RUNTIME_DIR.",
            path.display()
        );
        Error::new(Code::StorageFailed, message)
    })?;
    Ok(text.into())
}

fn unusable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let message = format!(
        "{} cannot be made for this run. Check the space and permissions there.",
        path.display()
    );
    |error| Error::new(Code::StorageFailed, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_az_that_name_a_credential_or_a_cloud_are_not_copied() {
        let text = "[core]\noutput = table\n[storage]\nkey = CANARY\n[cloud]\nname = Other\n[defaults]\ngroup = rg\n";
        assert_eq!(
            az_settings(text),
            "[core]\noutput = table\n[defaults]\ngroup = rg\n"
        );
    }
}
