variable "cluster_name" {
  description = "Which cluster: staging or prod."
  type        = string

  validation {
    condition     = contains(keys(local.sizes), var.cluster_name)
    error_message = "cluster_name is one of ${join(", ", keys(local.sizes))}."
  }
}

variable "region" {
  description = "AWS region of the cluster."
  type        = string
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes. Staging gets a new one first."
  type        = string
  default     = "1.34"
}

variable "admin_cidrs" {
  description = "From where the API can be reached."
  type        = list(string)
}

locals {
  # All in which the clusters differ. The network plug-in and the ingress controller are
  # the same, or what is proved on staging would say nothing of prod.
  sizes = {
    staging = { cidr = "10.10.0.0/16", instance = "t3.large", min = 2, max = 3, single_nat = true }
    prod    = { cidr = "10.20.0.0/16", instance = "m7i.large", min = 3, max = 9, single_nat = false }
  }
  size = local.sizes[var.cluster_name]
}
