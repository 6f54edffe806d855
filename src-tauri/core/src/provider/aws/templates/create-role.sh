aws iam create-role \
  --role-name @role_name@ \
  --description 'Assumed by one user'\''s Multi-Cloud Manager' \
  --max-session-duration @seconds@ \
  --assume-role-policy-document @trust_policy@ \
  --query Role.Arn --output text
@permissions@
