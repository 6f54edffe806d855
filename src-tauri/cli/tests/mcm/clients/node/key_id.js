// Prints the id of the access key that version 2 or 3 of the SDK for JavaScript takes here.

import { createRequire } from "node:module";

const clients = {
  async 3() {
    const { STSClient } = await import("@aws-sdk/client-sts");
    return (await new STSClient().config.credentials()).accessKeyId;
  },

  async 2() {
    process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
    const AWS = createRequire(import.meta.url)("aws-sdk");
    const credentials = await new AWS.CredentialProviderChain().resolvePromise();
    return credentials.accessKeyId;
  },
};

console.log(await clients[process.argv[2]]());
