# EKS clusters from one configuration: cluster_name switches between staging and prod.
#
#   terraform apply -var cluster_name=staging
#   terraform apply -var cluster_name=prod

terraform {
  required_version = ">= 1.10"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0, < 7.0"
    }
  }

  # Bucket and region come from spec.terraform.backendConfig of the environment, and the
  # workspace from spec.terraform.workspace: each cluster has a state of its own.
  backend "s3" {
    key          = "eks/cluster.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { cluster = var.cluster_name, "managed-by" = "terraform" }
  }
}
