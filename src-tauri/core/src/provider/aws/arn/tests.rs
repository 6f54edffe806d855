//! ARNs of roles and callers, as AWS writes them and as users type them.

use proptest::prelude::*;

use super::*;

#[test]
fn a_role_of_every_partition_is_read_with_its_path() {
    for partition in [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-eusc",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
    ] {
        for resource in ["Reader", "team/ops/Reader", "a!~'$x/Reader_+=,.@-"] {
            let arn = format!("arn:{partition}:iam::444455556666:role/{resource}");
            let role = RoleArn::parse(&arn).expect(&arn);
            assert_eq!((role.as_str(), role.partition()), (arn.as_str(), partition));
            assert_eq!(role.account_id, "444455556666");
            assert_eq!(role.name, resource.rsplit('/').next().expect("a name"));
        }
    }
    let padded =
        RoleArn::parse("  \"arn:aws:iam::444455556666:role/Reader\"\n").expect("quotes and blanks");
    assert_eq!(padded.as_str(), "arn:aws:iam::444455556666:role/Reader");
}

#[test]
fn an_arn_of_something_else_is_named_for_what_it_is() {
    for (pasted, word) in [
        ("", "Enter the ARN"),
        ("444455556666", "account id"),
        ("4444-5555-6666", "account id"),
        ("Reader", "not an ARN"),
        ("role/Reader", "not an ARN"),
        ("arn:aws:iam::444455556666:user/ada", "of a user"),
        ("arn:aws:iam::444455556666:root", "root"),
        ("arn:aws:iam::444455556666:group/ops", "group"),
        ("arn:aws:iam::aws:policy/ReadOnlyAccess", "policy"),
        (
            "arn:aws:iam::444455556666:instance-profile/web",
            "instance profile",
        ),
        (
            "arn:aws:sts::444455556666:assumed-role/Reader/ada",
            "arn:aws:iam::444455556666:role/Reader",
        ),
        ("arn:aws:s3:::bucket", "not the ARN of a role"),
        ("arn:aws:iam::444455556666:role", "not the ARN of a role"),
        ("ARN:aws:iam::444455556666:role/Reader", "lowercase"),
        ("arn:aws:IAM::444455556666:role/Reader", "lowercase"),
        ("arn:aws:iam::444455556666:Role/Reader", "lowercase"),
        ("arn:AWS:iam::444455556666:role/Reader", "partition"),
        ("arn:aws-mars:iam::444455556666:role/Reader", "aws-us-gov"),
        (
            "arn:aws:iam:eu-central-1:444455556666:role/Reader",
            "region",
        ),
        ("arn:aws:iam::4444:role/Reader", "twelve digits"),
        ("arn:aws:iam::444455556666:role/", "before the role's name"),
        ("arn:aws:iam::444455556666:role/a//Reader", "path"),
        (
            "arn:aws:iam::444455556666:role/Rea der",
            "not a valid role name",
        ),
        (
            "arn:aws:iam::444455556666:role/Reader\nx",
            "not a valid role name",
        ),
        (
            "arn:aws:iam::444455556666:role/Zoë",
            "not a valid role name",
        ),
        (
            "arn:aws:iam::444455556666:role/aws-service-role/x.amazonaws.com/Y",
            "belongs to an AWS service",
        ),
        (
            "arn:aws:iam::444455556666:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_A_0",
            "Identity Center",
        ),
        ("https://example.com/", "contains no role ARN"),
        (
            "https://eu-central-1.console.aws.amazon.com/iam/home#/roles/details/Reader?section=x",
            "role Reader",
        ),
    ] {
        let error = RoleArn::parse(pasted).expect_err(pasted);
        assert_eq!(error.code(), Code::InvalidInput);
        assert!(error.message().contains(word), "{pasted}: {error}");
    }
    let long = format!("arn:aws:iam::444455556666:role/{}", "x".repeat(65));
    assert!(RoleArn::parse(&long).is_err());
    let deep = format!("arn:aws:iam::444455556666:role/{}/x", "p".repeat(511));
    assert!(RoleArn::parse(&deep).is_err());
}

#[test]
fn a_console_address_contains_its_role() {
    for (address, arn) in [
        (
            "https://us-east-1.console.aws.amazon.com/iam/home#/roles/arn%3Aaws%3Aiam%3A%3A444455556666%3Arole%2Fops%2FReader?x=1",
            "arn:aws:iam::444455556666:role/ops/Reader",
        ),
        (
            "https://console.amazonaws.cn/iam/?arn=arn:aws-cn:iam::444455556666:role/Reader&x=arn",
            "arn:aws-cn:iam::444455556666:role/Reader",
        ),
        (
            "https://signin.aws.amazon.com/switchrole?account=444455556666&roleName=ops%2FReader&displayName=x",
            "arn:aws:iam::444455556666:role/ops/Reader",
        ),
        (
            "https://signin.amazonaws-us-gov.com/switchrole?roleName=Reader&account=444455556666",
            "arn:aws-us-gov:iam::444455556666:role/Reader",
        ),
    ] {
        assert_eq!(RoleArn::parse(address).expect(address).as_str(), arn);
    }
}

#[test]
fn callers_are_named_as_a_trust_policy_has_to_name_them() {
    let principal = |arn: &str| CallerArn::parse(arn).map(|caller| caller.principal);
    let user = "arn:aws:iam::111122223333:user/team/ada";
    assert_eq!(
        principal(user).expect("a user"),
        Principal::User(user.to_owned())
    );
    let session = "arn:aws-cn:sts::111122223333:assumed-role/Dev/ada@contoso.example";
    assert_eq!(
        principal(session).expect("a session"),
        Principal::Role("Dev".to_owned())
    );
    assert_eq!(
        CallerArn::parse(session).expect("a session").partition.id,
        "aws-cn"
    );
    assert_eq!(
        principal("arn:aws:iam::111122223333:root").expect("root"),
        Principal::Root
    );
    assert_eq!(
        principal("arn:aws:sts::111122223333:federated-user/x").expect("federated"),
        Principal::Federated
    );
    for odd in [
        "",
        "arn:aws:iam::1:user/x",
        "arn:aws:iam::111122223333:user/",
        "arn:aws:sts::111122223333:x",
    ] {
        assert!(CallerArn::parse(odd).is_err(), "{odd}");
    }
}

proptest! {
    #[test]
    fn no_input_makes_the_parser_panic_and_accepted_input_is_plain_ascii(text in "\\PC{0,80}|arn:aws:iam::[0-9]{12}:role/\\PC{0,40}|https://\\PC{0,80}") {
        if let Ok(role) = RoleArn::parse(&text) {
            prop_assert!(role.as_str().bytes().all(|b| (b'!'..=b'~').contains(&b)));
        }
    }
}

#[test]
fn a_permission_set_is_read_from_the_role_made_for_it() {
    let path = "role/aws-reserved/sso.amazonaws.com/eu-west-1";
    for (arn, found) in [
        (
            format!("arn:aws:iam::012345678901:{path}/AWSReservedSSO_Read_Only_0123456789abcdef"),
            Some(("012345678901", "Read_Only")),
        ),
        (
            "arn:aws:sts::012345678901:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ada"
                .into(),
            Some(("012345678901", "Admin")),
        ),
        (
            "arn:aws:iam::012345678901:role/AWSReservedSSO_Admin_0".into(),
            None,
        ),
        ("arn:aws:iam::012345678901:role/Admin".into(), None),
        (String::new(), None),
    ] {
        assert_eq!(permission_set(&arn), found, "{arn}");
    }
}
