// One of the clouds' JavaScript clients, without any option: see ask.py.

import { createInterface } from "node:readline";

const clients = {
  async aws() {
    const { GetCallerIdentityCommand, STSClient } = await import("@aws-sdk/client-sts");
    return (await new STSClient().send(new GetCallerIdentityCommand())).Arn;
  },

  async azure() {
    const { DefaultAzureCredential } = await import("@azure/identity");
    const { token } = await new DefaultAzureCredential().getToken("https://management.azure.com/.default");
    const address = process.env.MCM_AZURE_RESOURCE_MANAGER + "/subscriptions?api-version=2022-12-01";
    const answer = await fetch(address, { headers: { Authorization: `Bearer ${token}` } });
    return (await answer.json()).value.length;
  },

  async google() {
    const { GoogleAuth } = await import("google-auth-library");
    const auth = new GoogleAuth({ scopes: ["https://www.googleapis.com/auth/cloud-platform"] });
    const url = process.env.MCM_GOOGLE_RESOURCE_MANAGER + "/v3/projects:search?query=state:ACTIVE";
    const client = await auth.getClient();
    const { token } = await client.getAccessToken();
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } });
    return [await auth.getProjectId(), (await answer.json()).projects.length];
  },
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
console.log('"ready"');
await lines.next();
try {
  console.log(JSON.stringify(await clients[process.argv[2]]()));
} catch (error) {
  console.error(error);
  process.exit(1);
}
await lines.next();
process.exit(0);
