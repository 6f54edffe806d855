"""botocore as a client of a stand-in for IAM Identity Center, so that the stand-in is known to be honest.

Takes the stand-in's address and a start URL. Prints the code that a user types, then what each call answered.
"""

import json
import sys
import time
import urllib.error
import urllib.request

import botocore.session
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

url, start_url = sys.argv[1:3]
session = botocore.session.get_session()
unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})


def client(service):
    return session.create_client(service, region_name="eu-west-1", endpoint_url=url, config=unsigned)


def refusal(call, **parameters):
    """The modelled error that a call raises."""
    try:
        call(**parameters)
    except ClientError as error:
        return type(error).__name__
    return None


oidc, portal = client("sso-oidc"), client("sso")
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
registered = oidc.register_client(
    clientName="botocore",
    clientType="public",
    scopes=["sso:account:access"],
    grantTypes=[DEVICE, "refresh_token"],
)
who = {"clientId": registered["clientId"], "clientSecret": registered["clientSecret"]}
device = oidc.start_device_authorization(**who, startUrl=start_url)
wanted = {**who, "grantType": DEVICE, "deviceCode": device["deviceCode"]}
reported = {"pending": refusal(oidc.create_token, **wanted)}
print(json.dumps({"userCode": device["userCode"], "page": device["verificationUri"]}), flush=True)
sys.stdin.readline()
while True:
    try:
        tokens = oidc.create_token(**wanted)
        break
    except (oidc.exceptions.AuthorizationPendingException, oidc.exceptions.SlowDownException):
        time.sleep(0.2)
token = tokens["accessToken"]
pages = portal.get_paginator("list_accounts").paginate(accessToken=token, PaginationConfig={"PageSize": 2})
reported["accounts"] = [account["accountId"] for page in pages for account in page["accountList"]]
pages = portal.get_paginator("list_account_roles").paginate(
    accessToken=token, accountId=reported["accounts"][0]
)
reported["roles"] = [role["roleName"] for page in pages for role in page["roleList"]]
pair = {"accountId": reported["accounts"][0], "roleName": reported["roles"][0]}
given = portal.get_role_credentials(accessToken=token, **pair)["roleCredentials"]
reported["credentials"] = sorted(given)
keys = {
    "aws_access_key_id": given["accessKeyId"],
    "aws_secret_access_key": given["secretAccessKey"],
    "aws_session_token": given["sessionToken"],
}
sts = session.create_client("sts", region_name="eu-west-1", endpoint_url=sys.argv[3], **keys)
reported["arn"] = sts.get_caller_identity()["Arn"]
reported["hours"] = round((given["expiration"] / 1000 - time.time()) / 3600)
reported["too many"] = refusal(portal.list_accounts, accessToken=token, maxResults=100)
reported["unknown token"] = refusal(portal.list_accounts, accessToken="x")
reported["unknown account"] = refusal(portal.list_account_roles, accessToken=token, accountId="999999999999")
reported["not assigned"] = refusal(
    portal.get_role_credentials, accessToken=token, **{**pair, "roleName": "Nobody"}
)
refresh = {**who, "grantType": "refresh_token", "refreshToken": tokens["refreshToken"]}
reported["renewed"] = sorted(key for key in oidc.create_token(**refresh) if key.endswith("Token"))
reported["used twice"] = refusal(oidc.create_token, **refresh)
reported["unknown client"] = refusal(oidc.create_token, **{**refresh, "clientId": "x"})
signed = urllib.request.Request(f"{url}/assignment/accounts", headers={"Authorization": "AWS4-HMAC-SHA256 x"})
try:
    urllib.request.urlopen(signed)
except urllib.error.HTTPError as error:
    reported["signed"] = error.code
portal.logout(accessToken=token)
reported["signed out"] = refusal(portal.list_accounts, accessToken=token)
print(json.dumps(reported), flush=True)
