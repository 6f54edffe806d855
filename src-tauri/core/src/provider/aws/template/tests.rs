//! Each template is parsed in its own language and has to say exactly what was asked for, for every partition and for
//! names that mean something to a shell, to YAML or to Terraform.

use hcl::{Body, Expression};
use serde_json::{Value, json};
use yaml_rust2::{Yaml, YamlLoader};

use super::*;
use crate::provider::aws::external_id;
use crate::role::Source;

/// A path that would break out of every language's quotes, as IAM permits them.
const NASTY: &str = "a'b\"c$d${e}%{f}\\g`h`#i@seconds@";

fn caller(partition: &str, resource: &str) -> Caller {
    let arn = format!("arn:{partition}:iam::111122223333:{resource}");
    Caller {
        source: Source::Default,
        arn: arn.clone(),
        account_id: "111122223333".into(),
        partition: partition.into(),
        principal_arn: arn,
        principal_is_exact: true,
        is_chained: false,
        region: None,
    }
}

fn wanted(permissions: Permissions) -> TemplateOptions {
    TemplateOptions {
        role_name: "MultiCloudManager-01234567".into(),
        permissions,
        seconds: 0,
    }
}

/// Callers of every partition, a plain one and a nasty one, with an External ID each.
fn cases() -> Vec<(Caller, String)> {
    let partitions = [
        "aws",
        "aws-cn",
        "aws-us-gov",
        "aws-eusc",
        "aws-iso",
        "aws-iso-b",
        "aws-iso-e",
        "aws-iso-f",
    ];
    let plain =
        partitions.map(|partition| (caller(partition, "role/ops/Dev"), external_id::generate()));
    let nasty = (
        caller("aws", &format!("user/{NASTY}/ada")),
        "Contoso:42/x=y,@seconds@".to_owned(),
    );
    plain.into_iter().chain([nasty]).collect()
}

/// The trust policy that every template has to hold.
fn policy(caller: &Caller, id: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "MultiCloudManager",
        "Effect": "Allow",
        "Principal": {"AWS": caller.principal_arn},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": id}},
    }]})
}

#[test]
fn the_trust_policy_trusts_one_principal_with_one_external_id_and_nothing_else() {
    for (caller, id) in cases() {
        let templates =
            RoleTemplates::new(&caller, &id, &wanted(Permissions::ViewOnly)).expect("a template");
        let read: Value = serde_json::from_str(&templates.trust_policy).expect("JSON");
        assert_eq!(read, policy(&caller, &id));
    }
}

#[test]
fn the_cloudformation_template_makes_that_role_and_tells_its_arn() {
    for (caller, id) in cases() {
        let templates =
            RoleTemplates::new(&caller, &id, &wanted(Permissions::ReadOnly)).expect("a template");
        let read = YamlLoader::load_from_str(&templates.cloudformation).expect("YAML");
        let read = as_json(&read[0]);
        let role = &read["Resources"]["Role"];
        assert_eq!(role["Type"], "AWS::IAM::Role");
        let properties = &role["Properties"];
        assert_eq!(properties["AssumeRolePolicyDocument"], policy(&caller, &id));
        assert_eq!(properties["MaxSessionDuration"], 3600);
        assert_eq!(properties["RoleName"], "MultiCloudManager-01234567");
        let attached = format!("arn:{}:iam::aws:policy/ReadOnlyAccess", caller.partition);
        assert_eq!(properties["ManagedPolicyArns"], json!([attached]));
        assert_eq!(
            read["Outputs"]["RoleArn"]["Value"],
            json!({"Fn::GetAtt": ["Role", "Arn"]})
        );
        assert_eq!(read["AWSTemplateFormatVersion"], "2010-09-09");
    }
    let templates = RoleTemplates::new(
        &caller("aws", "user/ada"),
        "id",
        &wanted(Permissions::Nothing),
    );
    assert!(
        !templates
            .expect("a template")
            .cloudformation
            .contains("ManagedPolicyArns")
    );
}

#[test]
fn the_terraform_makes_that_role_with_its_policy_and_tells_its_arn() {
    for (caller, id) in cases() {
        let templates =
            RoleTemplates::new(&caller, &id, &wanted(Permissions::ViewOnly)).expect("a template");
        let body: Body = hcl::parse(&templates.terraform).expect("HCL");
        let block = |labels: &[&str]| {
            let fits = |block: &&hcl::Block| {
                let found: Vec<&str> = block.labels.iter().map(|label| label.as_str()).collect();
                found == labels
            };
            body.blocks()
                .find(fits)
                .unwrap_or_else(|| panic!("no block {labels:?}"))
                .clone()
        };
        let role = block(&["aws_iam_role", "multi_cloud_manager"]);
        let value = |block: &hcl::Block, key: &str| {
            let attribute = block
                .body
                .attributes()
                .find(|attribute| attribute.key.as_str() == key);
            attribute
                .unwrap_or_else(|| panic!("no attribute {key}"))
                .expr
                .clone()
        };
        assert_eq!(value(&role, "max_session_duration"), Expression::from(3600));
        let Expression::FuncCall(call) = value(&role, "assume_role_policy") else {
            panic!("no function")
        };
        assert_eq!(call.name.name.as_str(), "jsonencode");
        let written = evaluated(call.args[0].clone());
        assert_eq!(written, policy(&caller, &id));
        let attachment = block(&["aws_iam_role_policy_attachment", "multi_cloud_manager"]);
        let attached = format!(
            "arn:{}:iam::aws:policy/job-function/ViewOnlyAccess",
            caller.partition
        );
        assert_eq!(evaluated(value(&attachment, "policy_arn")), attached);
        block(&["role_arn"]);
    }
}

#[test]
fn the_commands_reach_the_aws_cli_as_they_were_meant() {
    for (caller, id) in cases() {
        let own = Permissions::Policy {
            arn: format!(
                "arn:{}:iam::444455556666:policy/x/{NASTY}",
                caller.partition
            ),
        };
        let templates = RoleTemplates::new(&caller, &id, &wanted(own.clone())).expect("a template");
        let lines = words(&templates.cli);
        let value = |line: &[String], flag: &str| {
            let at = line
                .iter()
                .position(|word| word == flag)
                .unwrap_or_else(|| panic!("no {flag}: {line:?}"));
            line[at + 1].clone()
        };
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0][..3], ["aws", "iam", "create-role"]);
        let document: Value =
            serde_json::from_str(&value(&lines[0], "--assume-role-policy-document")).expect("JSON");
        assert_eq!(document, policy(&caller, &id));
        assert_eq!(value(&lines[0], "--max-session-duration"), "3600");
        assert_eq!(lines[1][..3], ["aws", "iam", "attach-role-policy"]);
        let Permissions::Policy { arn } = own else {
            unreachable!("made so")
        };
        assert_eq!(value(&lines[1], "--policy-arn"), arn);
        let deploy = words(&templates.cloudformation_command);
        assert_eq!(
            value(&deploy[0], "--stack-name"),
            "MultiCloudManager-01234567"
        );
        assert_eq!(value(&deploy[0], "--capabilities"), "CAPABILITY_NAMED_IAM");
    }
}

#[test]
fn a_policy_of_the_persons_own_is_one_of_the_callers_partition() {
    let china = caller("aws-cn", "user/ada");
    let asked = |arn: &str| {
        let permissions = Permissions::Policy {
            arn: arn.to_owned(),
        };
        RoleTemplates::new(&china, "an-id", &wanted(permissions))
    };
    asked("arn:aws-cn:iam::111122223333:policy/Own").expect("its own account's");
    asked("arn:aws-cn:iam::aws:policy/SecurityAudit").expect("AWS's");
    for bad in [
        "",
        "SecurityAudit",
        "arn:aws:iam::aws:policy/SecurityAudit",
        "arn:aws-mars:iam::aws:policy/SecurityAudit",
        "arn:aws-cn:iam::aws:role/X",
        "arn:aws-cn:iam::aws:policy/",
        "arn:aws-cn:iam::1:policy/X",
        "arn:aws-cn:iam::aws:policy/X Y",
    ] {
        assert!(asked(bad).is_err(), "{bad}");
    }
}

#[test]
fn names_and_lives_that_aws_does_not_take_are_refused_before_a_template_is_made() {
    let made = |role_name: &str, seconds| {
        let wanted = TemplateOptions {
            role_name: role_name.into(),
            seconds,
            ..wanted(Permissions::ViewOnly)
        };
        RoleTemplates::new(&caller("aws", "user/ada"), "an-id", &wanted)
    };
    assert!(
        made("Reader", 43_200)
            .expect("twelve hours")
            .cli
            .contains("--max-session-duration 43200")
    );
    for (name, seconds) in [
        ("", 0),
        ("a b", 0),
        ("a/b", 0),
        ("a'b", 0),
        (&*"x".repeat(65), 0),
        ("Reader", 43_201),
    ] {
        assert!(made(name, seconds).is_err(), "{name} {seconds}");
    }
    assert!(
        RoleTemplates::new(
            &caller("aws", "user/ada"),
            "a b",
            &wanted(Permissions::ViewOnly)
        )
        .is_err()
    );
}

/// What Terraform makes of a constant expression: quoted strings are templates to it.
fn evaluated(expression: Expression) -> Value {
    use hcl::eval::{Context, Evaluate as _};
    let value = expression.evaluate(&Context::new()).expect("a constant");
    serde_json::to_value(value).expect("JSON")
}

fn as_json(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) => text.as_str().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Array(items) => items.iter().map(as_json).collect(),
        Yaml::Hash(map) => map
            .iter()
            .map(|(key, value)| (key.as_str().expect("a name").to_owned(), as_json(value)))
            .collect(),
        other => panic!("not expected in a template: {other:?}"),
    }
}

/// The words of a script's commands, by the rules of a POSIX shell for the quoting that the templates use.
fn words(script: &str) -> Vec<Vec<String>> {
    let mut lines = Vec::new();
    let (mut line, mut word, mut is_word) = (Vec::new(), String::new(), false);
    let mut letters = script.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\'' => {
                is_word = true;
                word.extend(letters.by_ref().take_while(|letter| *letter != '\''));
            }
            '\\' => match letters.next() {
                Some('\n') | None => {}
                Some(escaped) => {
                    is_word = true;
                    word.push(escaped);
                }
            },
            ' ' | '\n' => {
                if std::mem::take(&mut is_word) {
                    line.push(std::mem::take(&mut word));
                }
                if letter == '\n' && !line.is_empty() {
                    lines.push(std::mem::take(&mut line));
                }
            }
            '$' | '`' | '"' | ';' | '&' | '|' | '#' => {
                panic!("means something to a shell: {letter}")
            }
            letter => {
                is_word = true;
                word.push(letter);
            }
        }
    }
    if is_word {
        line.push(word);
    }
    lines.extend(Some(line).filter(|line| !line.is_empty()));
    lines
}
