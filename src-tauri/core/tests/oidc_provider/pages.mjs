// What a person sees: whom to sign in as, and whether the app may. Forms alone, no script.

/** Shows the page that an interaction is at, or takes the person's answer to it. */
export async function showPage(provider, cloud, request, response) {
  const interaction = await provider.interactionDetails(request, response);
  const isConsent = interaction.prompt.name === 'consent';
  if (request.method !== 'POST') {
    const people = cloud.people.map(({ name }) => button('person', name, name));
    const buttons = isConsent ? [button('answer', 'accept', 'Accept')] : people;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    response.end(`<!doctype html><title>Sign in</title><form method="post" action="${request.url}">
${[...buttons, button('answer', 'cancel', 'Cancel')].join('\n')}</form>`);
    return;
  }
  const form = await read(request);
  const person = cloud.people.find(({ name }) => name === form.get('person'));
  let result;
  if (form.get('answer') === 'cancel') result = { error: 'access_denied', error_description: 'the person said no' };
  else if (isConsent) result = { consent: { grantId: await consent(provider, interaction) } };
  else result = { login: { accountId: person.id }, [interaction.prompt.name]: { accountId: person.id } };
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
