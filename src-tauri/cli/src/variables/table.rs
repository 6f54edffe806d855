//! The table of variables. A row says who reads a variable, what it does, and what becomes of it; `docs/variables.md` is
//! made from it. Rows are in the order in which the tools of a cloud look, and those that begin alike come last.

use mcm_core::account::Cloud::{self, Aws, Azure, Gcp};

use super::Act::{Keep, Remove, RemoveWhere, RemoveWith, Set, Text};
use super::Effect::{self, Client, Credential, Files, Identity, Mark, Place, Shown, Source};
use super::{Act, Fact as F, FileSetting, Variable};

/// A file that is not there, for libraries that would look for another sign-in where they find no variable. Their error
/// shows its name.
const NO_FILE: &str = "/nonexistent/mcm-env-has-no-file-for-google-libraries/use-mcm-exec";

/// The same, for a cloud that is not part of an environment.
const NOT_PART: &str = "/nonexistent/mcm/this-cloud-is-not-part-of-the-environment";

/// The same, for `s3cmd`, which asks no endpoint.
const NO_S3CMD: &str = "/nonexistent/s3cmd-asks-no-endpoint/use-the-aws-command-line";

const AWS: &[Cloud] = &[Aws];
const AZURE: &[Cloud] = &[Azure];
const GCP: &[Cloud] = &[Gcp];
const AWS_AND_GCP: &[Cloud] = &[Aws, Gcp];
const EVERY: &[Cloud] = &Cloud::ALL;

// Where it is written.
const BOTO_DOC: &str = "botocore: credentials.py, configprovider.py";
const ANSAWS_DOC: &str = "Ansible: amazon.aws, module_utils/modules.py";
const EKSCTL_DOC: &str = "eksctl: credential caching";
const RCLONE_DOC: &str = "rclone: environment variables of a backend's options";
const RESTIC_DOC: &str = "restic: preparing a new repository, environment variables";
const TERRAGRUNT_DOC: &str = "Terragrunt: CLI options, iam-assume-role";
const SERVERLESS_DOC: &str = "Serverless Framework: lib/plugins/aws/provider.js";
const S3CMD_DOC: &str = "s3cmd: S3/Config.py";
const GO_DOC: &str = "AWS SDK for Go 2: config/env_config.go";
const JS2_DOC: &str = "AWS SDK for JavaScript 2: lib/node_loader.js";
const JAVA_DOC: &str = "AWS SDK for Java 1: AwsProfileFileLocationProvider";
const JAVA2_DOC: &str = "AWS SDK for Java 2: default credentials provider chain";
const HELM_DOC: &str = "Helm: helm env, environment variables";
const TFK_DOC: &str = "Terraform: providers kubernetes and helm";
const ANSK8S_DOC: &str = "Ansible: kubernetes.core, module_utils/args_common.py";
const BEARER_DOC: &str =
    "AWS SDKs and Tools Reference Guide, environment variables; botocore: auth.py";
const AWS_DOC: &str = "AWS SDKs and Tools Reference Guide, settings reference";
const STAR_DOC: &str = "starship: modules/aws.rs";
const GRANTED_DOC: &str = "granted: assume script, pkg/assume";
const BOTOPY_DOC: &str = "boto: pyami/config.py; botocore: BotoProvider";
const AZID_DOC: &str =
    "azure-identity: EnvironmentCredential, ManagedIdentityCredential, DefaultAzureCredential";
const AZST_DOC: &str = "Azure CLI: az storage, environment variables";
const APPSVC_DOC: &str = "App Service: managed identities, REST protocol";
const AZD_DOC: &str = "Azure Developer CLI: environment variables";
const AZCLI_DOC: &str = "Azure CLI: configuration";
const TFAZ_DOC: &str = "Terraform: provider azurerm";
const TFAZB_DOC: &str = "Terraform: backend azurerm";
const KUBEL_DOC: &str = "kubelogin: concepts, environment variables";
const AZDAUTH_DOC: &str = "Azure Developer CLI: external authentication";
const AZDEVOPS_DOC: &str = "Azure DevOps CLI: sign in with a personal access token";
const ANSAZ_DOC: &str = "Ansible: azure.azcollection, auth_source";
const AZCOPY_DOC: &str = "azcopy: azcopy env";
const MCM_DOC: &str = "docs/tools.md";
const ADC_DOC: &str = "Google Cloud: application default credentials";
const TFG_DOC: &str = "Terraform: provider google";
const TFGCS_DOC: &str = "Terraform: backend gcs";
const GCLOUD_DOC: &str = "gcloud topic configurations; core/credentials/store.py";
const GCLOUDTR_DOC: &str = "gcloud: core/credentials/transport.py";
const BQ_DOC: &str = "bq of the Google Cloud CLI: bq_utils.py, auth/main_credential_loader.py";
const ANSGCP_DOC: &str = "Ansible: google.cloud, module_utils/gcp_utils.py";
const GSUTIL_DOC: &str = "gsutil of the Google Cloud CLI: bin/bootstrapping/gsutil.py";
const GAUTH_DOC: &str = "google-auth: environment_vars.py";
const KUBE_DOC: &str = "kubectl: organizing cluster access using kubeconfig files";
const CURL_DOC: &str = "curl: environment; Python: urllib.request.getproxies";

const fn row(
    name: &'static str,
    clouds: &'static [Cloud],
    effect: Effect,
    (exec, env): (Act, Act),
    readers: &'static str,
    source: &'static str,
) -> Variable {
    Variable {
        name,
        clouds,
        effect,
        exec,
        env,
        pinned: None,
        closed: match (effect, env) {
            (Credential | Source | Identity | Shown, Text(_)) => env,
            (Credential | Source | Identity | Shown, _) => Remove,
            _ => Keep,
        },
        is_read_by_mcm: false,
        readers,
        source,
    }
}

impl Variable {
    /// `mcm` goes by it too.
    const fn and_mcm(self) -> Self {
        Self {
            is_read_by_mcm: true,
            ..self
        }
    }

    /// What becomes of it in a shell with the hook.
    const fn pinned(self, pinned: Act) -> Self {
        Self {
            pinned: Some(pinned),
            ..self
        }
    }

    /// What becomes of it where its cloud's tools must find no identity.
    const fn closed(self, closed: Act) -> Self {
        Self { closed, ..self }
    }
}

#[rustfmt::skip]
pub(super) static TABLE: [Variable; 224] = [
    row("AWS_ACCESS_KEY_ID", AWS, Credential, (Remove, Set(F::KeyId)), "every AWS SDK", BOTO_DOC),
    row("AWS_SECRET_ACCESS_KEY", AWS, Credential, (Remove, Set(F::SecretKey)), "every AWS SDK", BOTO_DOC),
    row("AWS_SESSION_TOKEN", AWS, Credential, (Remove, Set(F::SessionToken)), "every AWS SDK", BOTO_DOC),
    row("AWS_SECURITY_TOKEN", AWS, Credential, (Remove, Remove), "boto3, the AWS CLI", BOTO_DOC),
    row("AWS_ACCESS_KEY", AWS, Credential, (Remove, Remove), "AWS SDKs for Go and Java 1, Terraform", GO_DOC),
    row("AWS_SECRET_KEY", AWS, Credential, (Remove, Remove), "AWS SDKs for Go and Java 1, Terraform", GO_DOC),
    row("AMAZON_*", AWS, Credential, (Remove, Remove), "AWS SDK for JavaScript 2", JS2_DOC),
    row("AWS_BEARER_TOKEN_*", AWS, Credential, (Remove, Remove), "every AWS SDK, for one service each; it beats a signature", BEARER_DOC),
    row("AWS_CREDENTIAL_EXPIRATION", AWS, Identity, (Remove, Set(F::Expiration)), "AWS SDKs for Java and JavaScript, prompts", AWS_DOC),
    row("AWS_ACCOUNT_ID", AWS, Identity, (Remove, Remove), "every AWS SDK", AWS_DOC),
    row("AWS_PROFILE", AWS, Source, (Remove, Set(F::Profile)), "every AWS SDK", AWS_DOC).and_mcm(),
    row("AWS_DEFAULT_PROFILE", AWS, Source, (Remove, Remove), "boto3 and the AWS CLI, before AWS_PROFILE", BOTO_DOC).and_mcm(),
    row("AWS_ROLE_ARN", AWS, Source, (Remove, Remove), "every AWS SDK", AWS_DOC).and_mcm(),
    row("AWS_ROLE_SESSION_NAME", AWS, Source, (Remove, Remove), "every AWS SDK", AWS_DOC).and_mcm(),
    row("AWS_WEB_IDENTITY_TOKEN_FILE", AWS, Source, (Remove, Remove), "every AWS SDK", AWS_DOC).and_mcm(),
    row("AWS_CREDENTIAL_FILE", AWS, Source, (Remove, Remove), "boto3 and the AWS CLI, before a container", BOTO_DOC),
    row("AWS_CREDENTIAL_PROFILES_FILE", AWS, Source, (Remove, Remove), "AWS SDK for Java 1", JAVA_DOC),
    row("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", AWS, Source, (Remove, Remove), "every AWS SDK, before the whole address", AWS_DOC),
    row("AWS_CONTAINER_CREDENTIALS_FULL_URI", AWS, Source, (Set(F::ContainerAddress), Remove), "every AWS SDK", AWS_DOC),
    row("AWS_CONTAINER_AUTHORIZATION_TOKEN", AWS, Credential, (Set(F::ContainerToken), Remove), "every AWS SDK", AWS_DOC),
    row("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", AWS, Source, (Remove, Remove), "every AWS SDK, before the token", AWS_DOC),
    row("AWS_REGION", AWS, Place, (Set(F::Region), Set(F::Region)), "every AWS SDK", AWS_DOC).and_mcm(),
    row("AWS_DEFAULT_REGION", AWS, Place, (Set(F::Region), Set(F::Region)), "the AWS CLI 1, boto3, Terraform", BOTO_DOC).and_mcm(),
    row("AWS_CONFIG_FILE", AWS, Files, (Set(F::AwsConfig), Keep), "every AWS SDK", AWS_DOC).and_mcm().closed(Text(NOT_PART)),
    row("AWS_SHARED_CREDENTIALS_FILE", AWS, Files, (Set(F::AwsCredentials), Keep), "every AWS SDK", AWS_DOC).and_mcm().closed(Text(NOT_PART)),
    row("AWS_SDK_LOAD_CONFIG", AWS, Client, (Set(F::LoadConfig), Set(F::LoadConfig)), "AWS SDKs for JavaScript 2 and Go 1; without it they pass over AWS_CONFIG_FILE", JS2_DOC).and_mcm(),
    row("JAVA_TOOL_OPTIONS", AWS, Client, (RemoveWhere("-Daws."), RemoveWhere("-Daws.")), "every Java program, whose system properties win over the endpoint", JAVA2_DOC),
    row("JDK_JAVA_OPTIONS", AWS, Client, (RemoveWhere("-Daws."), RemoveWhere("-Daws.")), "java, whose system properties win over the endpoint", JAVA2_DOC),
    row("_JAVA_OPTIONS", AWS, Client, (RemoveWhere("-Daws."), RemoveWhere("-Daws.")), "every Java program, whose system properties win over the endpoint", JAVA2_DOC),
    row("MAVEN_OPTS", AWS, Client, (RemoveWhere("-Daws."), RemoveWhere("-Daws.")), "Maven, whose system properties win over the endpoint", JAVA2_DOC),
    row("GRADLE_OPTS", AWS, Client, (RemoveWhere("-Daws."), RemoveWhere("-Daws.")), "Gradle, whose system properties win over the endpoint", JAVA2_DOC),
    row("AWS_EC2_METADATA_DISABLED", AWS, Client, (Text("true"), Keep), "every AWS SDK; a refused request must not end at the machine's role", AWS_DOC).and_mcm().closed(Text("true")),
    row("AWS_SESSION_EXPIRATION", AWS, Shown, (Remove, Remove), "prompts", STAR_DOC),
    row("AWS_VAULT", AWS, Shown, (Remove, Remove), "prompts", STAR_DOC),
    row("AWSUME_PROFILE", AWS, Shown, (Remove, Remove), "prompts", STAR_DOC),
    row("AWS_SSO_PROFILE", AWS, Shown, (Remove, Remove), "prompts", STAR_DOC),
    row("AWSU_PROFILE", AWS, Shown, (Remove, Remove), "prompts", STAR_DOC),
    row("GRANTED_ALIAS_CONFIGURED", AWS, Client, (Keep, Keep), "granted, for its own alias", GRANTED_DOC),
    row("GRANTED_ENABLE_AUTO_REASSUME", AWS, Client, (Keep, Keep), "granted, for its own alias", GRANTED_DOC),
    row("GRANTED_QUIET", AWS, Client, (Keep, Keep), "granted, for its own output", GRANTED_DOC),
    row("GRANTED_*", AWS, Shown, (Remove, Remove), "prompts, granted", GRANTED_DOC),
    row("EC2_ACCESS_KEY", AWS, Credential, (Remove, Remove), "Ansible", ANSAWS_DOC),
    row("EC2_SECRET_KEY", AWS, Credential, (Remove, Remove), "Ansible", ANSAWS_DOC),
    row("EC2_SECURITY_TOKEN", AWS, Credential, (Remove, Remove), "Ansible", ANSAWS_DOC),
    row("EKSCTL_ENABLE_CREDENTIAL_CACHE", AWS, Source, (Remove, Remove), "eksctl, which keeps the last credential of a profile in a file", EKSCTL_DOC),
    row("RCLONE_S3_ACCESS_KEY_ID", AWS, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_S3_SECRET_ACCESS_KEY", AWS, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_S3_SESSION_TOKEN", AWS, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_S3_PROFILE", AWS, Source, (Remove, Remove), "rclone", RCLONE_DOC),
    row("RCLONE_S3_SHARED_CREDENTIALS_FILE", AWS, Source, (Remove, Remove), "rclone", RCLONE_DOC),
    row("RESTIC_AWS_ASSUME_ROLE_*", AWS, Identity, (Remove, Remove), "restic, which assumes that role first", RESTIC_DOC),
    row("TERRAGRUNT_IAM_*", AWS, Identity, (Remove, Remove), "Terragrunt, which assumes that role first", TERRAGRUNT_DOC),
    row("TG_IAM_*", AWS, Identity, (Remove, Remove), "Terragrunt, which assumes that role first", TERRAGRUNT_DOC),
    row("AWS_*_ACCESS_KEY_ID", AWS, Credential, (Remove, Remove), "Serverless Framework, by its stage; django-storages", SERVERLESS_DOC),
    row("AWS_*_SECRET_ACCESS_KEY", AWS, Credential, (Remove, Remove), "Serverless Framework, by its stage; django-storages", SERVERLESS_DOC),
    row("AWS_*_SESSION_TOKEN", AWS, Credential, (Remove, Remove), "Serverless Framework, by its stage", SERVERLESS_DOC),
    row("AWS_*_PROFILE", AWS, Source, (Remove, Remove), "Serverless Framework, by its stage; prompts", SERVERLESS_DOC),
    row("S3CMD_CONFIG", AWS, Files, (Text(NO_S3CMD), Keep), "s3cmd, which finds its keys in its own file alone", S3CMD_DOC).closed(Text(NO_S3CMD)),
    row("BOTO_CONFIG", AWS_AND_GCP, Files, (Set(F::Boto), Set(F::Boto)), "boto3 and the AWS CLI, before a container; gsutil", BOTOPY_DOC).closed(Set(F::Boto)),
    row("BOTO_PATH", GCP, Files, (Remove, Remove), "gsutil", BOTOPY_DOC),

    row("AZURE_CLIENT_SECRET", AZURE, Credential, (Remove, Remove), "Azure SDKs, azd, kubelogin", AZID_DOC),
    row("AZURE_CLIENT_CERTIFICATE_PATH", AZURE, Source, (Remove, Remove), "Azure SDKs, azd, kubelogin", AZID_DOC),
    row("AZURE_CLIENT_CERTIFICATE_PASSWORD", AZURE, Credential, (Remove, Remove), "Azure SDKs, azd, kubelogin", AZID_DOC),
    row("AZURE_CLIENT_SEND_CERTIFICATE_CHAIN", AZURE, Source, (Remove, Remove), "Azure SDKs", AZID_DOC),
    row("AZURE_USERNAME", AZURE, Source, (Remove, Remove), "Azure SDKs, kubelogin", AZID_DOC),
    row("AZURE_PASSWORD", AZURE, Credential, (Remove, Remove), "Azure SDKs, kubelogin", AZID_DOC),
    row("AZURE_FEDERATED_TOKEN_FILE", AZURE, Source, (Remove, Remove), "Azure SDKs, kubelogin", AZID_DOC),
    row("AZURE_ACCESS_TOKEN", AZURE, Credential, (Remove, Set(F::AzureToken)), "scripts only", MCM_DOC),
    row("AZURE_TOKEN_CREDENTIALS", AZURE, Source, (Text("ManagedIdentityCredential"), Text("EnvironmentCredential")), "DefaultAzureCredential of every Azure SDK; in a shell it finds no identity, but with the hook that of the environment", AZID_DOC).pinned(Text("AzureCliCredential")),
    row("AZURE_CLIENT_ID", AZURE, Identity, (Remove, Remove), "Azure SDKs, azd, kubelogin", AZID_DOC).and_mcm(),
    row("AZURE_TENANT_ID", AZURE, Identity, (Set(F::Tenant), Set(F::Tenant)), "Azure SDKs, azd, kubelogin", AZID_DOC).and_mcm(),
    row("AZURE_SUBSCRIPTION_ID", AZURE, Identity, (Set(F::Subscription), Set(F::Subscription)), "azd, samples of the SDKs, Ansible", AZD_DOC),
    row("AZURE_POD_IDENTITY_AUTHORITY_HOST", AZURE, Source, (Remove, Remove), "Azure SDKs", AZID_DOC),
    row("AZURE_STORAGE_KEY", AZURE, Credential, (Remove, Remove), "az storage", AZST_DOC),
    row("AZURE_STORAGE_CONNECTION_STRING", AZURE, Credential, (Remove, Remove), "az storage", AZST_DOC),
    row("AZURE_STORAGE_SAS_TOKEN", AZURE, Credential, (Remove, Remove), "az storage", AZST_DOC),
    row("IDENTITY_ENDPOINT", AZURE, Source, (Set(F::IdentityEndpoint), Remove), "Azure SDKs, az", APPSVC_DOC),
    row("IDENTITY_HEADER", AZURE, Credential, (Set(F::IdentityHeader), Remove), "Azure SDKs, az", APPSVC_DOC),
    row("IDENTITY_SERVER_THUMBPRINT", AZURE, Source, (Remove, Remove), "Azure SDKs", AZID_DOC),
    row("IMDS_ENDPOINT", AZURE, Source, (Remove, Remove), "Azure SDKs", AZID_DOC),
    row("MSI_ENDPOINT", AZURE, Source, (Remove, Remove), "Azure SDKs, az", AZID_DOC),
    row("MSI_SECRET", AZURE, Credential, (Remove, Remove), "Azure SDKs, az", AZID_DOC),
    row("RCLONE_AZUREBLOB_KEY", AZURE, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_AZUREBLOB_SAS_URL", AZURE, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_AZUREBLOB_CONNECTION_STRING", AZURE, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_AZUREBLOB_CLIENT_SECRET", AZURE, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_AZUREBLOB_SERVICE_PRINCIPAL_FILE", AZURE, Source, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("ARM_ACCESS_KEY", AZURE, Credential, (Remove, Remove), "Terraform's azurerm backend", TFAZB_DOC),
    row("ARM_SAS_TOKEN", AZURE, Credential, (Remove, Remove), "Terraform's azurerm backend", TFAZB_DOC),
    row("ARM_CLIENT_SECRET", AZURE, Credential, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_CLIENT_SECRET_FILE_PATH", AZURE, Source, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_CLIENT_CERTIFICATE", AZURE, Credential, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_CLIENT_CERTIFICATE_PATH", AZURE, Source, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_CLIENT_CERTIFICATE_PASSWORD", AZURE, Credential, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_OIDC_TOKEN", AZURE, Credential, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_OIDC_TOKEN_FILE_PATH", AZURE, Source, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_OIDC_REQUEST_TOKEN", AZURE, Credential, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_ADO_PIPELINE_SERVICE_CONNECTION_ID", AZURE, Identity, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_OIDC_AZURE_SERVICE_CONNECTION_ID", AZURE, Identity, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_OIDC_REQUEST_URL", AZURE, Source, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_USE_AKS_WORKLOAD_IDENTITY", AZURE, Source, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_USE_OIDC", AZURE, Source, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_USE_CLI", AZURE, Source, (Text("false"), Text("false")), "Terraform; az may be signed in as another user, but with the hook az is a shim", TFAZ_DOC).pinned(Text("true")),
    row("ARM_USE_MSI", AZURE, Source, (Text("true"), Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_MSI_ENDPOINT", AZURE, Source, (Set(F::MsiEndpoint), Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_CLIENT_ID", AZURE, Identity, (Remove, Remove), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_CLIENT_ID_FILE_PATH", AZURE, Identity, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_TENANT_ID", AZURE, Identity, (Set(F::Tenant), Set(F::Tenant)), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_AUXILIARY_TENANT_IDS", AZURE, Identity, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("ARM_SUBSCRIPTION_ID", AZURE, Identity, (Set(F::Subscription), Set(F::Subscription)), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_ENVIRONMENT", AZURE, Identity, (Set(F::TerraformCloud), Set(F::TerraformCloud)), "Terraform, Pulumi", TFAZ_DOC),
    row("ARM_METADATA_HOST", AZURE, Identity, (Remove, Remove), "Terraform's azurerm backend", TFAZB_DOC),
    row("ARM_METADATA_HOSTNAME", AZURE, Identity, (Remove, Remove), "Terraform", TFAZ_DOC),
    row("AAD_LOGIN_METHOD", AZURE, Source, (Remove, Remove), "kubelogin", KUBEL_DOC),
    row("AAD_SERVICE_PRINCIPAL_*", AZURE, Credential, (Remove, Remove), "kubelogin", KUBEL_DOC),
    row("AAD_USER_PRINCIPAL_*", AZURE, Credential, (Remove, Remove), "kubelogin", KUBEL_DOC),
    row("AZCOPY_AUTO_LOGIN_TYPE", AZURE, Source, (Text("MSI"), Remove), "azcopy; without it, azcopy login counts", AZCOPY_DOC),
    row("AZCOPY_SPA_*", AZURE, Credential, (Remove, Remove), "azcopy", AZCOPY_DOC),
    row("AZCOPY_MSI_*", AZURE, Identity, (Remove, Remove), "azcopy", AZCOPY_DOC),
    row("AZCOPY_TENANT_ID", AZURE, Identity, (Remove, Remove), "azcopy", AZCOPY_DOC),
    row("AZCOPY_OAUTH_TOKEN_INFO", AZURE, Credential, (Remove, Remove), "azcopy, before everything else", AZCOPY_DOC),
    row("AZCOPY_ACTIVE_DIRECTORY_ENDPOINT", AZURE, Identity, (Remove, Remove), "azcopy", AZCOPY_DOC),
    row("AZURE_CLOUD_NAME", AZURE, Identity, (Remove, Remove), "az; the cloud of its settings", AZCLI_DOC),
    row("AZURE_BATCH_ACCESS_KEY", AZURE, Credential, (Remove, Remove), "az batch", AZCLI_DOC),
    row("AZURE_DEVOPS_EXT_PAT", AZURE, Credential, (Remove, Remove), "az devops, before the sign-in", AZDEVOPS_DOC),
    row("AZURE_SECRET", AZURE, Credential, (Remove, Remove), "Ansible", ANSAZ_DOC),
    row("AZURE_TENANT", AZURE, Identity, (Remove, Remove), "Ansible", ANSAZ_DOC),
    row("AZURE_AD_USER", AZURE, Identity, (Remove, Remove), "Ansible", ANSAZ_DOC),
    row("AZURE_PROFILE", AZURE, Source, (Remove, Remove), "Ansible", ANSAZ_DOC),
    row("AZURE_X509_CERTIFICATE_PATH", AZURE, Source, (Remove, Remove), "Ansible", ANSAZ_DOC),
    row("ANSIBLE_AZURE_AUTH_SOURCE", AZURE, Source, (Text("cli"), Text("env")), "Ansible, which else takes ~/.azure/credentials; in a shell it finds no identity", ANSAZ_DOC),
    row("AZURESUBSCRIPTION_*", AZURE, Identity, (Remove, Remove), "Terraform and scripts in Azure Pipelines", TFAZ_DOC),
    row("AZURE_CONFIG_DIR", AZURE, Files, (Set(F::AzFolder), Keep), "az; the folder of its sign-ins", AZCLI_DOC).and_mcm().closed(Set(F::AzFolder)),
    row("AZURE_CORE_COLLECT_TELEMETRY", AZURE, Client, (Text("no"), Keep), "az, which else writes into its folder after the command has ended", AZCLI_DOC).closed(Text("no")),
    row("AZURE_DEV_COLLECT_TELEMETRY", AZURE, Client, (Text("no"), Keep), "azd, which else writes into its folder after the command has ended", AZD_DOC).closed(Text("no")),
    row("AZURE_EXTENSION_DIR", AZURE, Files, (Set(F::AzExtensions), Keep), "az; the extensions stay the user's", AZCLI_DOC).closed(Set(F::AzExtensions)),
    row("AZD_AUTH_ENDPOINT", AZURE, Source, (Remove, Remove), "azd, which asks this endpoint instead of its own sign-in", AZDAUTH_DOC),
    row("AZD_AUTH_KEY", AZURE, Credential, (Remove, Remove), "azd", AZDAUTH_DOC),
    row("AZD_AUTH_CERT", AZURE, Source, (Remove, Remove), "azd", AZDAUTH_DOC),
    row("AZD_CONFIG_DIR", AZURE, Files, (Set(F::AzdFolder), Keep), "azd; the folder of its sign-ins", AZD_DOC).and_mcm().closed(Set(F::AzdFolder)),

    row("GOOGLE_APPLICATION_CREDENTIALS", GCP, Source, (Set(F::GoogleFile), Text(NO_FILE)), "Google's libraries; in a shell they find no identity", ADC_DOC).closed(Text(NOT_PART)),
    row("GOOGLE_CREDENTIALS", GCP, Credential, (Remove, Remove), "Terraform, Pulumi", TFG_DOC),
    row("GOOGLE_CLOUD_KEYFILE_JSON", GCP, Credential, (Remove, Remove), "Terraform", TFG_DOC),
    row("GCLOUD_KEYFILE_JSON", GCP, Credential, (Remove, Remove), "Terraform", TFG_DOC),
    row("GOOGLE_OAUTH_ACCESS_TOKEN", GCP, Credential, (Remove, Set(F::GoogleToken)), "Terraform, Pulumi", TFG_DOC),
    row("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT", GCP, Identity, (Remove, Remove), "Terraform, Pulumi", TFG_DOC),
    row("GOOGLE_BACKEND_CREDENTIALS", GCP, Credential, (Remove, Remove), "Terraform's gcs backend", TFGCS_DOC),
    row("GOOGLE_BACKEND_OAUTH_ACCESS_TOKEN", GCP, Credential, (Remove, Remove), "Terraform's gcs backend", TFGCS_DOC),
    row("GOOGLE_BACKEND_IMPERSONATE_SERVICE_ACCOUNT", GCP, Identity, (Remove, Remove), "Terraform's gcs backend", TFGCS_DOC),
    row("CLOUDSDK_AUTH_ACCESS_TOKEN", GCP, Credential, (Remove, Set(F::GoogleToken)), "gcloud, before everything but impersonation", GCLOUD_DOC),
    row("CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", GCP, Source, (Text(""), Text("")), "gcloud; empty, it beats auth/access_token_file in the configuration", GCLOUD_DOC),
    row("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", GCP, Source, (Set(F::GcloudFile), Text("")), "gcloud; empty, it beats auth/credential_file_override in the configuration", GCLOUD_DOC).closed(Text(NOT_PART)),
    row("CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", GCP, Identity, (Text(""), Text("")), "gcloud; empty, it beats auth/impersonate_service_account in the configuration", GCLOUD_DOC),
    row("CLOUDSDK_AUTH_DISABLE_CREDENTIALS", GCP, Source, (Text("false"), Text("false")), "gcloud; it beats auth/disable_credentials in the configuration", GCLOUD_DOC),
    row("CLOUDSDK_AUTH_AUTHORIZATION_TOKEN_FILE", GCP, Identity, (Text(""), Text("")), "gcloud, which sends it beside its own token; empty, it beats the configuration", GCLOUDTR_DOC),
    row("CLOUDSDK_AUTH_AUTHORITY_SELECTOR", GCP, Identity, (Text(""), Text("")), "gcloud, which sends it beside its own token; empty, it beats the configuration", GCLOUDTR_DOC),
    row("CLOUDSDK_CORE_ACCOUNT", GCP, Identity, (Set(F::GoogleAccount), Set(F::GoogleAccount)), "gcloud, which shows it", GCLOUD_DOC),
    row("CLOUDSDK_CORE_PASS_CREDENTIALS_TO_GSUTIL", GCP, Source, (Text("false"), Text("false")), "gcloud's gsutil, which else takes the credential of gcloud's account", GSUTIL_DOC),
    row("CLOUDSDK_CORE_UNIVERSE_DOMAIN", GCP, Identity, (Text("googleapis.com"), Text("googleapis.com")), "gcloud; it beats core/universe_domain in the configuration", GCLOUD_DOC),
    row("GOOGLE_CLOUD_UNIVERSE_DOMAIN", GCP, Identity, (Remove, Remove), "Google's libraries", GAUTH_DOC),
    row("CLOUDSDK_ACTIVE_CONFIG_NAME", GCP, Source, (Remove, Remove), "gcloud", GCLOUD_DOC).and_mcm().closed(Text("NONE")),
    row("CLOUDSDK_CONFIG", GCP, Files, (Keep, Keep), "gcloud; its own settings stay the user's", GCLOUD_DOC),
    row("GOOGLE_CLOUD_QUOTA_PROJECT", GCP, Identity, (Set(F::Project), Set(F::Project)), "Google's libraries, before the credential file", GAUTH_DOC),
    row("CLOUDSDK_BILLING_QUOTA_PROJECT", GCP, Identity, (Set(F::Quota), Set(F::Quota)), "gcloud; it beats billing/quota_project in the configuration", GCLOUD_DOC),
    row("USER_PROJECT_OVERRIDE", GCP, Identity, (Remove, Remove), "Terraform", TFG_DOC),
    row("GOOGLE_BILLING_PROJECT", GCP, Identity, (Remove, Remove), "Terraform", TFG_DOC),
    row("CLOUDSDK_CORE_PROJECT", GCP, Place, (Set(F::Project), Set(F::Project)), "gcloud, Terraform", GCLOUD_DOC).closed(Remove),
    row("GOOGLE_CLOUD_PROJECT", GCP, Place, (Set(F::Project), Set(F::Project)), "Google's libraries, Terraform", ADC_DOC).closed(Remove),
    row("GCLOUD_PROJECT", GCP, Place, (Set(F::Project), Set(F::Project)), "older Google libraries, Terraform", TFG_DOC).closed(Remove),
    row("GOOGLE_PROJECT", GCP, Place, (Set(F::Project), Set(F::Project)), "Terraform, before GOOGLE_CLOUD_PROJECT", TFG_DOC).closed(Remove),
    row("BIGQUERYRC", GCP, Files, (Set(F::BigQuery), Keep), "bq; the flags of its file come before gcloud's account", BQ_DOC),
    row("GCP_SERVICE_ACCOUNT_FILE", GCP, Source, (Remove, Remove), "Ansible", ANSGCP_DOC),
    row("GCP_SERVICE_ACCOUNT_CONTENTS", GCP, Credential, (Remove, Remove), "Ansible", ANSGCP_DOC),
    row("GCP_SERVICE_ACCOUNT_EMAIL", GCP, Identity, (Remove, Remove), "Ansible", ANSGCP_DOC),
    row("GCP_ACCESS_TOKEN", GCP, Credential, (Remove, Remove), "Ansible", ANSGCP_DOC),
    row("GCP_AUTH_KIND", GCP, Source, (Text("application"), Text("application")), "Ansible; the application default credentials", ANSGCP_DOC),
    row("RCLONE_GCS_SERVICE_ACCOUNT_FILE", GCP, Source, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_GCS_SERVICE_ACCOUNT_CREDENTIALS", GCP, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_GCS_TOKEN", GCP, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("RCLONE_GCS_ACCESS_TOKEN", GCP, Credential, (Remove, Remove), "rclone, before its env_auth", RCLONE_DOC),
    row("CLOUDSDK_CORE_DISABLE_FILE_LOGGING", GCP, Client, (Text("true"), Text("true")), "gcloud, whose log has what gcloud auth print-access-token prints", GCLOUD_DOC),
    row("CLOUDSDK_COMPUTE_REGION", GCP, Place, (Set(F::GoogleRegion), Set(F::GoogleRegion)), "gcloud", GCLOUD_DOC),
    row("CLOUDSDK_COMPUTE_ZONE", GCP, Place, (Set(F::GoogleZone), Set(F::GoogleZone)), "gcloud", GCLOUD_DOC),
    row("GOOGLE_REGION", GCP, Place, (Set(F::GoogleRegion), Set(F::GoogleRegion)), "Terraform", TFG_DOC),
    row("GOOGLE_ZONE", GCP, Place, (Set(F::GoogleZone), Set(F::GoogleZone)), "Terraform", TFG_DOC),

    row("NO_PROXY", EVERY, Client, (Set(F::NoProxyUpper), Keep), "every client with a proxy; the endpoint's secrets must not go to it", CURL_DOC),
    row("no_proxy", EVERY, Client, (Set(F::NoProxyLower), Keep), "every client with a proxy; the endpoint's secrets must not go to it", CURL_DOC),
    row("HELM_KUBETOKEN", EVERY, Credential, (Remove, Remove), "helm, which sends it instead of the credential of KUBECONFIG", HELM_DOC),
    row("HELM_KUBEASUSER", EVERY, Identity, (Remove, Remove), "helm", HELM_DOC),
    row("HELM_KUBEASGROUPS", EVERY, Identity, (Remove, Remove), "helm", HELM_DOC),
    row("HELM_KUBEAPISERVER", EVERY, Identity, (Remove, Remove), "helm; another server would get the token", HELM_DOC),
    row("HELM_KUBECONTEXT", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "helm, which else works in another cluster than kubectl", HELM_DOC),
    row("HELM_KUBECAFILE", EVERY, Client, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "helm; another server would be trusted", HELM_DOC),
    row("HELM_KUBEINSECURE_SKIP_TLS_VERIFY", EVERY, Client, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "helm; a server that is not checked would get the token", HELM_DOC),
    row("HELM_KUBETLS_SERVER_NAME", EVERY, Client, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "helm", HELM_DOC),
    row("KUBE_CONFIG_PATH", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform, which does not read KUBECONFIG: name the file in the provider", TFK_DOC),
    row("KUBE_CONFIG_PATHS", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform", TFK_DOC),
    row("KUBE_CTX", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform", TFK_DOC),
    row("KUBE_CTX_AUTH_INFO", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform", TFK_DOC),
    row("KUBE_CTX_CLUSTER", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform", TFK_DOC),
    row("KUBE_INSECURE", EVERY, Client, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Terraform; a server that is not checked would get the token", TFK_DOC),
    row("KUBE_HOST", EVERY, Identity, (Remove, Remove), "Terraform; another server would get the token", TFK_DOC),
    row("KUBE_TOKEN", EVERY, Credential, (Remove, Remove), "Terraform, before the credential of a kubeconfig", TFK_DOC),
    row("KUBE_USER", EVERY, Identity, (Remove, Remove), "Terraform", TFK_DOC),
    row("KUBE_PASSWORD", EVERY, Credential, (Remove, Remove), "Terraform", TFK_DOC),
    row("KUBE_CLIENT_CERT_DATA", EVERY, Identity, (Remove, Remove), "Terraform", TFK_DOC),
    row("KUBE_CLIENT_KEY_DATA", EVERY, Credential, (Remove, Remove), "Terraform", TFK_DOC),
    row("K8S_AUTH_KUBECONFIG", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Ansible, before KUBECONFIG", ANSK8S_DOC),
    row("K8S_AUTH_CONTEXT", EVERY, Files, (RemoveWith(F::KubeConfig), RemoveWith(F::KubeConfig)), "Ansible, which else works in another cluster than kubectl", ANSK8S_DOC),
    row("K8S_AUTH_*", EVERY, Credential, (Remove, Remove), "Ansible, before the credential of a kubeconfig", ANSK8S_DOC),
    row("KUBECONFIG", EVERY, Files, (Set(F::KubeConfig), Set(F::KubeConfig)), "kubectl, helm and others; the first file gets what they change", KUBE_DOC).and_mcm(),
    row(super::ENVIRONMENT, EVERY, Shown, (Set(F::Environment), Set(F::Environment)), "prompts, mcm whoami", MCM_DOC),
    row("MCM_ENVIRONMENT_COLOUR", EVERY, Shown, (Set(F::EnvironmentColour), Set(F::EnvironmentColour)), "prompts", MCM_DOC),
    row("MCM_ENVIRONMENT_PROTECTED", EVERY, Shown, (Set(F::EnvironmentProtected), Set(F::EnvironmentProtected)), "prompts", MCM_DOC),
    row("MCM_ENVIRONMENT_UNTIL", EVERY, Shown, (Set(F::EnvironmentUntil), Set(F::EnvironmentUntil)), "prompts; seconds since 1970", MCM_DOC),
    row("MCM_READ_ONLY", EVERY, Shown, (Set(F::ReadOnly), Set(F::ReadOnly)), "prompts; the credentials read and change nothing", MCM_DOC),
    row(super::HOOK_STATE, EVERY, Mark, (Remove, Keep), "the shell's hook; names and values that are not secret", MCM_DOC),
    row(super::HOOK, EVERY, Mark, (Remove, Keep), "mcm doctor; the version of the shell's hook, and its process", MCM_DOC),
    row(super::HOLDER, EVERY, Mark, (Set(F::Holder), Keep), "mcm; the id in mcm sessions", MCM_DOC),
    row("MCM_EXEC", EVERY, Mark, (Set(F::Accounts), Set(F::Accounts)), "mcm whoami", MCM_DOC),
    row("MCM_EXEC_OUTSIDE", EVERY, Mark, (Set(F::Outside), Set(F::Outside)), "mcm", MCM_DOC),
    row("MCM_ENV", AWS, Mark, (Remove, Set(F::EnvKey)), "mcm", MCM_DOC),
    row("MCM_ENV_ACCOUNTS", EVERY, Mark, (Keep, Set(F::EnvAccounts)), "mcm whoami", MCM_DOC),
    row("MCM_ENV_SET", EVERY, Mark, (Keep, Set(F::EnvSet)), "mcm", MCM_DOC),
];

/// Settings of gcloud's configurations that say who works or who pays, and the variable that beats each for a command and a
/// shell.
#[rustfmt::skip]
pub(super) static GCLOUD_SETTINGS: [FileSetting; 9] = [
    setting("auth", "impersonate_service_account", "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT"),
    setting("auth", "access_token_file", "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE"),
    setting("auth", "credential_file_override", "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE"),
    setting("auth", "authorization_token_file", "CLOUDSDK_AUTH_AUTHORIZATION_TOKEN_FILE"),
    setting("auth", "authority_selector", "CLOUDSDK_AUTH_AUTHORITY_SELECTOR"),
    setting("auth", "disable_credentials", "CLOUDSDK_AUTH_DISABLE_CREDENTIALS"),
    setting("core", "universe_domain", "CLOUDSDK_CORE_UNIVERSE_DOMAIN"),
    setting("core", "pass_credentials_to_gsutil", "CLOUDSDK_CORE_PASS_CREDENTIALS_TO_GSUTIL"),
    setting("billing", "quota_project", "CLOUDSDK_BILLING_QUOTA_PROJECT"),
];

const fn setting(section: &'static str, key: &'static str, variable: &'static str) -> FileSetting {
    FileSetting {
        section,
        key,
        variable,
    }
}
