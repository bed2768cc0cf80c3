"""The same training script as a job on Amazon SageMaker, reading DVC's objects where they lie."""
