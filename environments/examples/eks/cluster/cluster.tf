data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  zones = slice(data.aws_availability_zones.available.names, 0, 3)
}

module "vpc" {
  source  = "terraform-aws-modules/vpc/aws"
  version = "~> 6.0"

  name = var.cluster_name
  cidr = local.size.cidr
  azs  = local.zones

  private_subnets = [for i, _ in local.zones : cidrsubnet(local.size.cidr, 4, i)]
  public_subnets  = [for i, _ in local.zones : cidrsubnet(local.size.cidr, 8, i + 48)]

  enable_nat_gateway = true
  single_nat_gateway = local.size.single_nat

  public_subnet_tags  = { "kubernetes.io/role/elb" = 1 }
  private_subnet_tags = { "kubernetes.io/role/internal-elb" = 1 }
}

module "eks" {
  source  = "terraform-aws-modules/eks/aws"
  version = "~> 21.0"

  name               = var.cluster_name
  kubernetes_version = var.kubernetes_version

  vpc_id     = module.vpc.vpc_id
  subnet_ids = module.vpc.private_subnets

  endpoint_public_access       = true
  endpoint_public_access_cidrs = var.admin_cidrs

  enable_cluster_creator_admin_permissions = true

  addons = {
    coredns    = {}
    kube-proxy = {}
    vpc-cni = {
      before_compute = true
      # The VPC CNI enforces NetworkPolicy itself: no second plug-in is needed for that.
      configuration_values = jsonencode({ enableNetworkPolicy = "true" })
    }
  }

  eks_managed_node_groups = {
    default = {
      instance_types = [local.size.instance]
      min_size       = local.size.min
      max_size       = local.size.max
      desired_size   = local.size.min
    }
  }
}
