# A role that one person's Multi-Cloud Manager may assume, with an External ID.

resource "aws_iam_role" "multi_cloud_manager" {
  name                 = @role_name@
  description          = "Assumed by one person's Multi-Cloud Manager"
  max_session_duration = @seconds@

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "MultiCloudManager"
        Effect    = "Allow"
        Principal = { AWS = @principal@ }
        Action    = "sts:AssumeRole"
        Condition = { StringEquals = { "sts:ExternalId" = @external_id@ } }
      }
    ]
  })
}
@permissions@
output "role_arn" {
  description = "Enter this ARN in Multi-Cloud Manager"
  value       = aws_iam_role.multi_cloud_manager.arn
}
