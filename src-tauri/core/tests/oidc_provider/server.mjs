// Serves oidc-provider in the shape of one cloud, with that cloud's API and the tests' own door on a second port.
//
// `node server.mjs azure|google` prints one line, "listening" and where, and ends when its standard input does.
// What the clouds do differently stands in clouds.mjs; what a user sees, in pages.mjs.

import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';

import { Provider } from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

import { clouds } from './clouds.mjs';
import { showPage } from './pages.mjs';

// oidc-provider is written for Node.js 22, where URL.parse exists.
URL.parse ??= (text, base) => (URL.canParse(text, base) ? new URL(text, base) : null);

// The clock that a test moves on. oidc-provider asks Date.now alone.
let ahead = 0;
const machineTime = Date.now;
Date.now = () => machineTime() + ahead;

const signIn = createServer();
const api = createServer();
const [signInOrigin, apiOrigin] = await Promise.all([listen(signIn), listen(api)]);
const cloud = clouds[process.argv[2]](signInOrigin, apiOrigin);
const mountPath = new URL(cloud.issuer).pathname.replace(/\/$/, '');

/** What a test has switched on: `nonce` and `iss` to send instead of the right ones; an `iss` of null sends none. */
let switches = {};
/** The token requests that came, with their answers. */
const journal = [];
/** The grants of each account. */
const grants = new Map();
/** The prompts that each code was asked for with. */
const prompts = new Map();
const adapter = createMemoryAdapter();
const cookieKeys = [randomUUID()];
/** The id of the key that was made last. */
let keyId;
let provider = start(newKey());
/** Whose keys are published: an older provider's when a test keeps a new key back. */
let publisher = provider;

signIn.on('request', (request, response) => {
  const url = new URL(request.url, signInOrigin);
  if (url.pathname.startsWith('/interaction/')) {
    showPage(provider, cloud, request, response).catch((error) => answer(response, 500, { error: String(error) }));
    return;
  }
  if (!url.pathname.startsWith(`${mountPath}/`)) {
    answer(response, 404, { error: 'not_found' });
    return;
  }
  const path = url.pathname.slice(mountPath.length);
  if (path === '/auth') {
    cloud.adaptRequest(url.searchParams);
    if (switches.nonce) url.searchParams.set('nonce', switches.nonce);
  }
  request.url = path + url.search;
  // Where oidc-provider finds what it is mounted under.
  request.originalUrl = mountPath + request.url;
  const server = path === '/jwks' ? publisher : provider;
  server.callback()(request, response);
});

api.on('request', async (request, response) => {
  const url = new URL(request.url, apiOrigin);
  try {
    if (url.pathname === '/control') {
      answer(response, 200, await control(JSON.parse(await body(request))));
      return;
    }
    const token = await provider.AccessToken.find(request.headers.authorization?.replace(/^Bearer /, ''));
    const isGood = token?.isValid && token.aud === cloud.resource && token.scope.split(' ').includes(cloud.scope);
    const found = cloud.api(url);
    if (!isGood) answer(response, 401, { error: { code: 'InvalidAuthenticationToken', message: 'no valid token' } });
    else if (found) answer(response, 200, found);
    else answer(response, 404, { error: { code: 'NotFound', message: url.pathname } });
  } catch (error) {
    answer(response, 500, { error: String(error) });
  }
});

process.stdin.on('end', () => process.exit()).resume();
const { issuer, clientId } = cloud;
console.log(`listening ${JSON.stringify({ issuer, client_id: clientId, sign_in: signInOrigin, api: apiOrigin })}`);

/** oidc-provider with this key. All of them share what was stored. */
function start(key) {
  const provider = new Provider(cloud.issuer, {
    adapter,
    jwks: { keys: [key] },
    cookies: { keys: cookieKeys },
    clients: [
      {
        client_id: cloud.clientId,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: cloud.redirectUris,
      },
    ],
    claims: cloud.claims,
    scopes: ['openid', 'offline_access'],
    findAccount: (_, id) => {
      const user = cloud.users.find((user) => user.id === id);
      return user && { accountId: id, claims: () => ({ sub: id, ...user.claims }) };
    },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => client.clientId === token.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => cloud.resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope: cloud.resourceScopes, audience: cloud.resource }),
      },
    },
    interactions: { policy: cloud.policy() },
    issueRefreshToken: (_, client, code) => cloud.givesRefreshToken(code, prompts.get(code.jti)),
    expiresWithSession: () => false,
    rotateRefreshToken: cloud.rotates,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 365 * 86400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 90 * 86400,
      Session: 86400,
    },
  });
  provider.on('authorization.success', (ctx, out) => {
    prompts.set(out.code, ctx.oidc.prompts);
    if (switches.iss === null) delete out.iss;
    else if (switches.iss) out.iss = switches.iss;
  });
  provider.on('grant.success', (ctx) => journal.push({ request: { ...ctx.oidc.body }, answer: ctx.body }));
  provider.on('grant.error', (ctx, error) => {
    journal.push({ request: { ...ctx.oidc.body }, answer: { error: error.error, reason: error.error_detail } });
  });
  provider.on('grant.saved', ({ accountId, jti }) => {
    if (!grants.has(accountId)) grants.set(accountId, new Set());
    grants.get(accountId).add(jti);
  });
  return provider;
}

/** What a test may ask for. */
async function control({ advance, rotate, revoke, set }) {
  if (advance) ahead += advance * 1000;
  if (set) switches = set;
  if (rotate) {
    provider = start(newKey(rotate.same_id ? keyId : undefined));
    if (rotate.published) publisher = provider;
  }
  if (revoke) {
    const { id } = cloud.users.find((user) => user.name === revoke);
    for (const grant of grants.get(id) ?? []) {
      await provider.AccessToken.revokeByGrantId(grant);
      await provider.RefreshToken.revokeByGrantId(grant);
      await provider.Grant.adapter.destroy(grant);
    }
  }
  return { journal };
}

function newKey(kid = randomUUID()) {
  keyId = kid;
  // By way of text: exporting the object that came from the generator hangs Node.js 20 when a garbage collection of the
  // generator falls into the export, because both take the key's lock.
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return { ...createPrivateKey(privateKey).export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
}

function listen(server) {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

async function body(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function answer(response, status, json) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(json));
}
