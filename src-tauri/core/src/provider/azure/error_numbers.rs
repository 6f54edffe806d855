//! The table of Entra's AADSTS numbers: one row for each, with its remedy and its message.
//!
//! Source: Microsoft's "Microsoft Entra authentication and authorization error codes" (learn.microsoft.com,
//! entra/identity-platform/reference-error-codes). The name beside a row is that page's; "not listed" means that the
//! page lacks the number. Microsoft may change the numbers, so a number that is not here decides nothing.

/// The remedy of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Waiting: Microsoft is temporarily unavailable.
    Wait,
    /// Waiting, and fewer requests.
    AskLess,
    /// An administrator, or another place, device or hour. A sign-in would meet the same answer, and the saved one
    /// works again afterwards.
    Organisation,
    /// A sign-in.
    SignIn,
    /// A sign-in, after an administrator has approved the app.
    Approval,
    /// The user, who declined.
    Consent,
    /// The app registration or a setting.
    Registration,
    /// A permission that the registration, or the tenant, lacks for what is asked for.
    Permission,
}

/// A row of the table.
#[derive(Debug)]
pub(super) struct Meaning {
    pub(super) remedy: Remedy,
    /// The message: what happened, and what to do where the remedy does not imply it.
    pub(super) words: &'static str,
}

/// Returns the meaning of a number, if it is known.
pub(super) fn meaning(number: u32) -> Option<Meaning> {
    use Remedy::{
        Approval, AskLess, Consent, Organisation, Permission, Registration, SignIn, Wait,
    };
    let (remedy, words) = match number {
        50000 // TokenIssuanceError
        | 50033 // RetryableError
        | 50087 // SasRetryableError
        | 50166 // ExternalClaimsProviderThrottled
        | 70012 // MsaServerError
        | 90006 // ExternalServerRetryableError
        | 90012 // RequestTimeout
        | 90024 // RequestBudgetExceededError
        | 90033 // MsodsServiceUnavailable
        | 90090 // GraphRetryableError
        | 90091 // GraphServiceUnreachable
        | 501_621 // ClaimsTransformationTimeoutRegularExpressionTimeout: "a retry of the request may succeed"
        => (Wait, "Microsoft sign-in is busy."),
        50058 // UserInformationNotProvided: expected with prompt=none, which is never sent here
        => (Wait, "Microsoft found no session to reuse. If this persists, sign in again."),
        40010 // OAuth2IdPRetryableServerError
        | 80001 // OnPremiseStoreIsNotAvailable
        | 80002 // OnPremisePasswordValidatorRequestTimedout
        | 80005 // OnPremisePasswordValidatorUnpredictableWebException
        | 80007 // OnPremisePasswordValidatorErrorOccurredOnPrem
        | 80014 // OnPremisePasswordValidationAuthenticationAgentTimeout
        => (Wait, "Your organisation's own sign-in server is temporarily unavailable."),
        50088 // "Limit on telecom MFA calls reached. Please try again in a few minutes."
        | 50196 // LoopDetected
        | 90055 // TenantThrottlingError
        => (AskLess, "Microsoft received too many requests."),

        50002 // NotAllowedTenant
        | 500_021 | 500_022 // tenant restrictions, in the page's words
        => (Organisation, "Your network does not allow sign-in to this tenant. Ask your administrator to allow it."),
        50005 // DevicePolicyError
        => (Organisation, "Your organisation does not allow this kind of device. Ask your administrator which ones it allows."),
        50053 // IdsLocked, or an address with malicious activity
        => (Organisation, "This account is locked after too many attempts, or your network is blocked. Wait, or ask your administrator."),
        50057 // UserDisabled
        => (Organisation, "This account is disabled. Ask your administrator."),
        50097 // DeviceAuthenticationRequired
        | 50127 // BrokerAppNotInstalled
        | 50129 // DeviceIsNotWorkplaceJoined
        | 50155 // DeviceAuthenticationFailed
        | 50187 // DeviceInformationNotProvided
        | 135_011 // "Device used during the authentication is disabled"
        => (Organisation, "Your organisation requires device authentication. Ask your administrator how to register this device."),
        80012 // OnPremisePasswordValidationAccountLogonInvalidHours
        => (Organisation, "Your organisation does not allow sign-ins at this hour. Ask your administrator which it allows."),
        50105 // EntitlementGrantsNotFound
        => (Organisation, "You are not assigned to this app. Ask your administrator to assign you."),
        50131 // ConditionalAccessFailed
        | 53003 // BlockedByConditionalAccess
        | 530_031 // not listed; Entra: "Access policy does not allow token issuance"
        | 530_032 // BlockedByConditionalAccessOnSecurityPolicy
        | 530_033 // not listed; Entra: a device flow blocked by a rule about devices
        | 530_035 // BlockedBySecurityDefaults
        => (Organisation, "A policy of your organisation blocks this sign-in here or now. Ask your administrator which policy it is."),
        53000 // DeviceNotCompliant
        => (Organisation, "This device does not meet your organisation's rules. Ask your administrator what is missing."),
        53001 // DeviceNotDomainJoined
        => (Organisation, "This device is not joined to your organisation. Ask your administrator how to join it."),
        53002 // ApplicationUsedIsNotAnApprovedApp
        | 53009 // "Application needs to enforce Intune protection policies"
        => (Organisation, "Your organisation has not approved this app. Ask your administrator to approve it."),
        53004 // ProofUpBlockedDueToRisk
        | 53010 // ProofUpBlockedDueToSecurityInfoAcr
        => (Organisation, "Your organisation requires multi-factor authentication, but blocks its setup here. Ask your administrator."),
        53011 // "User blocked due to risk on home tenant"
        | 530_034 // DelegatedAdminBlockedDueToSuspiciousActivity
        => (Organisation, "Microsoft blocks this account because it is at risk. Ask your administrator to unblock it."),
        500_212 // NotAllowedByOutboundPolicyTenant
        | 500_213 // NotAllowedByInboundPolicyTenant
        => (Organisation, "A cross-tenant access policy blocks this sign-in. Ask the administrators of both tenants."),

        50074 // UserStrongAuthClientAuthNRequiredInterrupt
        | 50076 // UserStrongAuthClientAuthNRequired
        | 50078 // UserStrongAuthExpired
        => (SignIn, "Your organisation requires another verification step."),
        50072 // UserStrongAuthEnrollmentRequiredInterrupt
        | 50079 // UserStrongAuthEnrollmentRequired
        => (SignIn, "Your organisation requires multi-factor authentication. You can set it up while signing in."),
        50085 // "Refresh token needs social IDP login. Have user try signing-in again"
        | 50139 // SessionMissingMsaOAuth2RefreshToken
        | 50197 // ConflictingIdentities: "Try signing in again"
        | 51006 // ForceReauthDueToInsufficientAuth
        | 700_020 // InteractionRequired
        | 9_002_341 // "The user is required to permit Single Sign-On"
        => (SignIn, "Microsoft asks for a complete sign-in."),
        50158 // ExternalSecurityChallenge
        => (SignIn, "Your organisation requires verification by another service."),
        70000 // InvalidGrant: "The refresh token isn't valid"
        => (SignIn, "Microsoft no longer accepts the saved sign-in."),
        70043 // BadTokenDueToSignInFrequency
        | 70008 // ExpiredOrRevokedGrant
        | 700_082 // ExpiredOrRevokedGrantInactiveToken
        => (SignIn, "Your saved sign-in has expired, or was not used for too long."),
        50089 // "flow token expired"
        | 50132 // SsoArtifactInvalidOrExpired
        | 50133 // SsoArtifactRevoked
        | 50173 // FreshTokenNeeded
        => (SignIn, "Your saved sign-in was revoked, perhaps because your password changed."),
        50055 // InvalidPasswordExpiredPassword
        | 50135 // PasswordChangeCompromisedPassword
        | 50144 // InvalidPasswordExpiredOnPremPassword
        => (SignIn, "Your password has expired or must be changed. You can change it while signing in."),
        16000 // InteractionRequired
        | 16003 // SsoUserAccountNotFoundInResourceTenant
        | 50014 // GuestUserInPendingState
        | 50020 // UserUnauthorized
        | 50034 // UserAccountNotFound
        | 500_208 // "The domain is not a valid login domain for the account type"
        | 51004 // UserAccountNotInDirectory
        | 90072 // PassThroughUserMfaError
        => (SignIn, "This account does not belong to that tenant. Use another account, or ask the tenant for an invitation."),
        65001 // DelegationDoesNotExist
        => (SignIn, "This app needs your consent, which you can give while signing in."),
        54005 // "Authorization code was already redeemed"
        | 50147 // MissingCodeChallenge
        | 501_481 // "Code_Verifier doesn't match the code_challenge"
        | 700_005 // InvalidGrantRedeemAgainstWrongTenant
        => (SignIn, "The response of the sign-in had already been used, or was not for this app."),

        90094 // AdminConsentRequired
        | 90095 // AdminConsentRequiredRequestAccess
        | 90099 // "has not been authorized in the tenant"
        => (Approval, "Only an administrator can approve this app in your organisation. Ask one to grant consent."),
        65004 // UserDeclinedConsent
        => (Consent, "You did not accept the permissions. Nothing was changed. To accept them, start again."),

        65005 // MisconfiguredApplication: a resource "which wasn't specified in its required resource access list"
        | 650_056 // "the client has not listed any permissions … Or, the admin has not consented in the tenant"
        | 650_057 // "a resource which isn't listed in the requested permissions in the client's application registration"
        => (Permission, "The app registration lacks a permission: Azure Service Management, user_impersonation. Its owner \
             adds it under API permissions, and an administrator may have to grant consent."),
        500_011 // InvalidResourceServicePrincipalNotFound
        | 650_052 // "a service that your organization hasn't subscribed to or enabled"
        | 650_054 // "a resource that has been removed or is no longer available"
        => (Permission, "This tenant does not have the service Azure Service Management enabled. Check that it is the right \
             tenant (AZURE_TENANT_ID), or ask its administrator to enable it."),

        50011 // InvalidReplyTo
        | 70004 // InvalidRedirectUri
        | 900_971 // "No reply address provided"
        => (Registration, "The redirect URI is not registered. Add it to the app registration, under Mobile and desktop \
             applications, exactly as the Connect screen shows it."),
        50194 // "isn't configured as a multitenant application"
        => (Registration, "The app registration is for one tenant only. Set AZURE_TENANT_ID to that tenant."),
        70001 // UnauthorizedClient
        | 700_016 // UnauthorizedClient_DoesNotMatchRequest
        | 7_000_112 // UnauthorizedClientApplicationDisabled
        => (Registration, "The app registration is unknown or disabled in this tenant. Check AZURE_CLIENT_ID, \
             AZURE_TENANT_ID and the cloud."),
        65002 // "applications owned and operated by Microsoft must get approval from the API owner"
        => (Registration, "AZURE_CLIENT_ID is one of Microsoft's own apps, which may not ask for this. Register an app of yours."),
        90002 // InvalidTenantName
        => (Registration, "Microsoft knows no such tenant. Check AZURE_TENANT_ID and azure.cloud in settings.toml."),
        90124 // V1ResourceV2GlobalEndpointNotSupported
        | 90130 // NonConvergedAppV2GlobalEndpointNotSupported
        | 9_001_023 // "isn't supported over the /common or /consumers endpoints"
        | 9_002_332 // "configured for use by Microsoft Entra users only"
        => (Registration, "The app serves work or school accounts only. Set AZURE_TENANT_ID to organizations or to your tenant."),
        700_025 // InvalidClientPublicClientWithCredential
        => (Registration, "A secret was sent for the app registration, which is a public client. Report this with the reference."),
        700_084 // a refresh token of a single-page app
        => (SignIn, "The redirect URI is registered as a single-page app, so sign-ins end after a day. Register it under \
             Mobile and desktop applications."),
        7_000_218 // "must contain … 'client_assertion' or 'client_secret'"
        => (Registration, "The app registration is not a public client. In its Authentication page, set \"Allow public client \
             flows\" to Yes."),
        90038 // NationalCloudTenantRedirection
        => (Registration, "This tenant belongs to a national cloud. Set azure.cloud in settings.toml to us-government or china."),
        _ => return None,
    };
    Some(Meaning { remedy, words })
}
