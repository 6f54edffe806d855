"""Prints the id of the access key that boto3 takes here, or None."""

import boto3

credentials = boto3.Session().get_credentials()
print(credentials and credentials.access_key)
