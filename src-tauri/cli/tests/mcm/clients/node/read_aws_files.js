// Reads the files of AWS that it is given as the SDKs for JavaScript do: see ../read_aws_files.py. Each answer holds
// what version 3 sees in the file as config and as credentials, and the same of version 2, null where it throws.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { loadSharedConfigFiles } from "@smithy/core/config";

process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = "1";
const require = createRequire(import.meta.url);
require("aws-sdk");
const { IniLoader } = require("aws-sdk/lib/shared-ini/ini-loader.js");
const folder = mkdtempSync(join(tmpdir(), "aws-files-"));
const path = join(folder, "config");

function second(isConfig) {
  try {
    return new IniLoader().loadFrom({ filename: path, isConfig });
  } catch {
    return null;
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  writeFileSync(path, Buffer.from(line, "base64"));
  const third = await loadSharedConfigFiles({ filepath: path, configFilepath: path, ignoreCache: true });
  const answer = [third.configFile, third.credentialsFile, second(true), second(false)];
  console.log(JSON.stringify(answer));
}
rmSync(folder, { recursive: true });
