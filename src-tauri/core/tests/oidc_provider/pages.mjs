// What a user sees: which user to sign in as, and whether the app may. Forms alone, no script.

/** Shows the page that an interaction is at, or takes the user's answer to it. */
export async function showPage(provider, cloud, request, response) {
  const interaction = await provider.interactionDetails(request, response);
  const isConsent = interaction.prompt.name === 'consent';
  if (request.method !== 'POST') {
    const users = cloud.users.map(({ name }) => button('user', name, name));
    const buttons = isConsent ? [button('answer', 'accept', 'Accept')] : users;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`<!doctype html><title>Sign in</title><form method="post" action="${request.url}">
${[...buttons, button('answer', 'cancel', 'Cancel')].join('\n')}</form>`);
    return;
  }
  const form = await read(request);
  const user = cloud.users.find(({ name }) => name === form.get('user'));
  let result;
  if (form.get('answer') === 'cancel') result = { error: 'access_denied', error_description: 'the user said no' };
  else if (isConsent) result = { consent: { grantId: await consent(provider, interaction) } };
  else result = { login: { accountId: user.id }, [interaction.prompt.name]: { accountId: user.id } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

/** Grants what was asked for, beside what was granted before. */
async function consent(provider, { grantId, params, prompt: { details }, session }) {
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(' '));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return grant.save();
}

function button(name, value, text) {
  return `<button name="${name}" value="${value}">${text}</button>`;
}

async function read(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return new URLSearchParams(text);
}
