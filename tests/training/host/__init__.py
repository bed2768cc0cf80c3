"""The training host: SageMaker's training service as a real HTTP server on loopback, in a process of its own.

`TrainingHost` (client.py) starts it; `python -m host FOLDER` is the process (server.py). It is moto's server (one
werkzeug process, threaded) with what moto lacks put in front of it. Which answer is whose:

moto's, untouched: S3, CloudWatch Logs, IAM, STS, KMS, CloudWatch; of SageMaker everything but the operations below
(model packages and their groups, Search, experiments …). The check of signatures and access keys, when `enforce` is on.

Ours, written after AWS's documentation (API reference of SageMaker, botocore's service model, developer guide "How
Amazon SageMaker provides training information / processes training output", service authorization reference), and after
messages that users of AWS quoted where the documentation has none (constraints.py, api.py and channels.py say which):
- CreateTrainingJob, DescribeTrainingJob, ListTrainingJobs, StopTrainingJob, and AddTags, ListTags, DeleteTags of
  training jobs (api.py, constraints.py, jobs.py). A job lies in moto's own table, so that moto's Search finds it.
- what happens to an accepted job (worker.py, channels.py, container.py, logs.py): the entry point is run by AWS's own
  `sagemaker-training` toolkit, as in AWS's images; everything the service does for the job goes through the same
  endpoint with the credentials of the job's role.
- whether a policy allows a request (policies.py, permissions.py): actions, resources and conditions. moto's own
  enforcement isn't used for this, because it compares the resource `*` for every service but S3, refuses statements
  with a condition, and asks for no iam:PassRole, kms: or sagemaker:AddTags. Its bucket policies are switched off for
  the same reason, and judged by ours. Not judged: trust policies beyond the service principal, permission boundaries,
  service control policies, key policies (a key's policy is taken to trust IAM), VPC endpoint policies.
- faults and controls below /_host/ (controls.py).

Not built, and refused with the code `HostNotBuilt`: several instances, Pipe and FastFile mode, FSx and EFS, augmented
manifests, uncompressed output, hyperparameter tuning. Not like AWS: instance start takes no time; the name of the host
is `localhost` (`algo-1` would hang in the toolkit's name lookup); /opt/ml is a temporary folder, and values of the
environment and of hyperparameters that begin with /opt/ml are rewritten to it; the image is never pulled, this Python
environment stands for it; aws:SecureTransport is true though loopback speaks http. What AWS shows below a manifest's
channel is not documented: `names("key")` (what users saw) and `names("suffix")` are both offered.
"""

from host.client import HostError, TrainingHost

__all__ = ["HostError", "TrainingHost"]
