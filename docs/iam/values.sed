# What stands for what in these files: put in your own, then `sed -f docs/iam/values.sed docs/iam/train.json`.
s/ACCOUNT_ID/123456789012/g
s/REGION/eu-central-1/g
# the DVC remote is s3://BUCKET/PREFIX
s/BUCKET/our-bucket/g
s/PREFIX/forecasting/g
# what job names begin with: `dataops train plan` shows TrainingJobName
s/PROJECT/demand/g
# the role that jobs run as, and the one that administrators take
s/ROLE_NAME/DemandTraining/g
s/ADMIN_ROLE/Administrator/g
# the address of TrainingImage in `dataops train plan` is IMAGE_REGISTRY.dkr.ecr.REGION.amazonaws.com/IMAGE_NAME:TAG
s/IMAGE_REGISTRY/123456789012/g
s/IMAGE_NAME/train/g
# only where they are used: model_package_group, kms_key, subnets, security_groups of the settings
s/MODEL_GROUP/demand/g
s/KMS_KEY_ID/1234abcd-12ab-34cd-56ef-1234567890ab/g
s/SUBNET_ID/subnet-0123456789abcdef0/g
s/SECURITY_GROUP_ID/sg-0123456789abcdef0/g
# only where GitHub Actions takes a role: docs/ci.md
s/GITHUB_OWNER/our-team/g
s/GITHUB_REPOSITORY/demand/g
