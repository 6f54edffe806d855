"""One of the clouds' Python clients, without any option: it finds its credential, uses it, and says what it was answered.

It says that it is ready, begins when it is given a line, and stays until it is given another, so that a test can look
at it.
"""

import json
import os
import sys
import urllib.request


def bearer(address, token):
    request = urllib.request.Request(address, headers={"Authorization": "Bearer " + token})
    return json.load(urllib.request.urlopen(request, timeout=10))


def boto3():
    import boto3

    return boto3.client("sts").get_caller_identity()["Arn"]


def azure():
    from azure.identity import DefaultAzureCredential

    token = DefaultAzureCredential().get_token("https://management.azure.com/.default").token
    address = os.environ["MCM_AZURE_RESOURCE_MANAGER"] + "/subscriptions?api-version=2022-12-01"
    return len(bearer(address, token)["value"])


def azure_vault():
    from azure.identity import ManagedIdentityCredential

    return bool(ManagedIdentityCredential().get_token("https://vault.azure.net/.default").token)


def google():
    import google.auth
    import google.auth.transport.requests

    scopes = ["https://www.googleapis.com/auth/cloud-platform"]
    credentials, project = google.auth.default(scopes=scopes)
    session = google.auth.transport.requests.AuthorizedSession(credentials)
    address = os.environ["MCM_GOOGLE_RESOURCE_MANAGER"] + "/v3/projects:search?query=state:ACTIVE"
    answer = session.get(address, timeout=10)
    answer.raise_for_status()
    return [project, len(answer.json()["projects"])]


def main():
    print('"ready"', flush=True)
    sys.stdin.readline()
    try:
        print(json.dumps(globals()[sys.argv[1]]()), flush=True)
    except Exception as error:
        sys.exit(f"{type(error).__name__}: {error}")
    sys.stdin.readline()


main()
