//! IAM Identity Center: signing in, finding roles, and their credentials, against a stand-in that botocore accepts.

mod honest;
