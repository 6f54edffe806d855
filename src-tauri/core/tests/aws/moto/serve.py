"""moto's STS, IAM, Organizations and CloudFormation for one test: authorisation on, one user, and roles on request.

The first line of output says where it listens and with which keys. Each line of input is a JSON object that asks for a
role, by its trust policy or by a CloudFormation template; the answer is its ARN. The process ends with its input.
"""

import json
import sys

import boto3
import requests
from moto.server import ThreadedMotoServer

USER_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["sts:AssumeRole", "iam:CreateRole", "iam:AttachRolePolicy", "iam:GetRole"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Action": ["cloudformation:CreateStack", "cloudformation:DescribeStacks"],
            "Resource": "*",
        },
    ],
}
ROLE_POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "iam:ListAccountAliases", "Resource": "*"}],
}


def client(url, service="iam", **keys):
    keys = keys or {"aws_access_key_id": "setup", "aws_secret_access_key": "setup"}
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", **keys)


def deploy(cloudformation, name, template):
    """What `aws cloudformation deploy` comes to: a stack, and the output that names the role."""
    cloudformation.create_stack(StackName=name, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    return outputs["RoleArn"]


def answer(value):
    print(json.dumps(value), flush=True)


def main():
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    url = "http://%s:%s" % server.get_host_and_port()
    iam = client(url)
    iam.create_account_alias(AccountAlias="moto-account")
    iam.create_user(UserName="ada")
    iam.put_user_policy(UserName="ada", PolicyName="assume", PolicyDocument=json.dumps(USER_POLICY))
    key = iam.create_access_key(UserName="ada")["AccessKey"]
    role_policy = iam.create_policy(PolicyName="read-alias", PolicyDocument=json.dumps(ROLE_POLICY))[
        "Policy"
    ]["Arn"]
    requests.post(url + "/moto-api/reset-auth", data="0", timeout=10)

    keys = {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}
    answer({"url": url, "access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"]})
    iam, cloudformation = client(url, **keys), client(url, "cloudformation", **keys)
    for line in sys.stdin:
        asked = json.loads(line)
        if "template" in asked:
            answer({"arn": deploy(cloudformation, asked["name"], asked["template"])})
            continue
        role = iam.create_role(RoleName=asked["name"], AssumeRolePolicyDocument=asked["trust_policy"])
        iam.attach_role_policy(RoleName=asked["name"], PolicyArn=role_policy)
        answer({"arn": role["Role"]["Arn"]})


main()
