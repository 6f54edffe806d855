// The two shapes: what each cloud's users, client, scopes, tokens and API look like, and its ways.

import { interactionPolicy } from 'oidc-provider';

const TENANT = '5d0f8a3e-6c1b-4f7e-9a52-3b8e7c1d2f40';
const CLOUD_PLATFORM = 'https://www.googleapis.com/auth/cloud-platform';

export const clouds = {
  /** Microsoft Entra and Azure Resource Manager. */
  azure: (signIn, api) => ({
    issuer: `${signIn}/${TENANT}/v2.0`,
    clientId: '0b7e2c94-8d35-4a16-b2f9-61c4e0a7d853',
    redirectUris: ['io.github.multicloudmanager://auth/azure', 'http://localhost'],
    resource: api,
    scope: `${api}/user_impersonation`,
    resourceScopes: `${api}/user_impersonation`,
    rotates: true,
    claims: { openid: ['sub', 'tid', 'oid'], profile: ['name', 'preferred_username'] },
    users: [
      entraUser('ada@contoso.example', 'a2f6d1c8-3b47-4e90-8c5d-7e1f0b9a6d24'),
      entraUser('linus@contoso.example', 'c94b7e05-1d82-4f36-a7c1-0e5d3f8b6a97'),
    ],
    policy: withAccountPicker,
    // OpenID Connect Core 11 drops offline_access without prompt=consent; Entra gives it whatever the prompt.
    adaptRequest: (parameters) => {
      const prompts = new Set((parameters.get('prompt') ?? '').split(' ').filter(Boolean));
      parameters.set('prompt', [...prompts.add('consent')].join(' '));
    },
    givesRefreshToken: (code) => code.scopes.has('offline_access'),
    api: ({ pathname }) =>
      ({
        '/tenants': {
          value: [
            {
              id: `/tenants/${TENANT}`,
              tenantId: TENANT,
              tenantCategory: 'Home',
              displayName: 'Contoso',
              defaultDomain: 'contoso.example',
              domains: ['contoso.example'],
            },
          ],
        },
        '/subscriptions': { value: [subscription('Production', '1'), subscription('Staging', '2')] },
      })[pathname],
  }),

  /** Google's accounts and Google Cloud Resource Manager. */
  google: (signIn, api) => ({
    issuer: signIn,
    clientId: '424242424242-desktop.apps.googleusercontent.com',
    redirectUris: ['http://127.0.0.1'],
    resource: api,
    scope: CLOUD_PLATFORM,
    // Google's token answers name all that was granted, not the API's scope alone.
    resourceScopes: `openid email profile ${CLOUD_PLATFORM}`,
    rotates: false,
    claims: { openid: ['sub', 'hd'], email: ['email', 'email_verified'], profile: ['name'] },
    users: [googleUser('ada@contoso.example', '1017'), googleUser('grace@fabrikam.example', '2026')],
    policy: withAccountPicker,
    adaptRequest: () => {},
    // Google has no offline_access; it gives a refresh token with a new consent only.
    givesRefreshToken: (_, prompts) => prompts.has('consent'),
    api: ({ pathname }) =>
      ({
        '/v3/projects:search': {
          projects: [
            { name: 'projects/1', projectId: 'contoso-production', displayName: 'Production', state: 'ACTIVE' },
            { name: 'projects/2', projectId: 'contoso-staging', displayName: 'Staging', state: 'ACTIVE' },
          ],
        },
      })[pathname],
  }),
};

/** oidc-provider's own policy, with the prompt that both clouds know and it does not. */
function withAccountPicker() {
  const policy = interactionPolicy.base();
  policy.add(new interactionPolicy.Prompt({ name: 'select_account', requestable: true }), 0);
  return policy;
}

function entraUser(name, id) {
  return { name, id, claims: { tid: TENANT, oid: id, preferred_username: name, name } };
}

function googleUser(name, id) {
  return { name, id, claims: { email: name, email_verified: true, hd: name.split('@')[1], name } };
}

function subscription(name, digit) {
  const id = `00000000-0000-0000-0000-${digit.repeat(12)}`;
  return { id: `/subscriptions/${id}`, subscriptionId: id, tenantId: TENANT, displayName: name, state: 'Enabled' };
}
