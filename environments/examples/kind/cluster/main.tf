# A kind cluster, made by kind's own program: no provider of a registry is needed.
# The one variable cluster_name tells staging from production:
#
#   terraform apply -var cluster_name=staging
#   terraform apply -var cluster_name=production
#
# with a state for each. stagegate keeps them apart by itself.

terraform {
  required_version = ">= 1.4"
}

variable "cluster_name" {
  description = "Which cluster: staging or production."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$", var.cluster_name))
    error_message = "cluster_name has up to 32 lower-case letters, digits and hyphens."
  }
}

variable "node_image" {
  description = "Image of the nodes; empty is what kind was released with."
  type        = string
  default     = ""
}

variable "workers" {
  description = "Number of worker nodes, by cluster name; others get none."
  type        = map(number)
  default     = { production = 1 }
}

variable "containerd_patches" {
  description = "Patches of the nodes' containerd configuration, as TOML: a registry's mirror, say."
  type        = list(string)
  default     = []
}

variable "kubeadm_patches" {
  description = "Patches of the nodes' kubeadm configuration, as YAML."
  type        = list(string)
  default     = []
}

locals {
  name  = "tf-${var.cluster_name}"
  roles = concat(["control-plane"], [for _ in range(lookup(var.workers, var.cluster_name, 0)) : "worker"])
}

resource "terraform_data" "cluster" {
  # What the destroy-time provisioner needs has to be in the state.
  input = {
    name       = local.name
    image      = var.node_image
    kubeconfig = pathexpand("~/.kube/kind-${local.name}.yaml")
    config = jsonencode({
      apiVersion = "kind.x-k8s.io/v1alpha4"
      kind       = "Cluster"
      nodes      = [for role in local.roles : { role = role }]

      containerdConfigPatches = var.containerd_patches
      kubeadmConfigPatches    = var.kubeadm_patches
    })
  }

  provisioner "local-exec" {
    # Terraform does not run destroy-time provisioners for what was made by halves.
    command     = <<-SH
      if [ -e "$FILE.making" ]; then # an earlier try was cut short, and its kind may still be at work
        pkill -f "kind create cluster --name $NAME " && sleep 2
        kind delete cluster --name "$NAME" --kubeconfig "$FILE"
      elif kind get clusters | grep -qx "$NAME"; then
        echo "there is a kind cluster $NAME already: delete it, or use another cluster_name" >&2
        exit 1
      fi
      mkdir -p "$(dirname "$FILE")" && : >"$FILE.making"
      undo() { kind delete cluster --name "$NAME" --kubeconfig "$FILE"; exit 1; }
      trap undo INT TERM
      printf '%s' "$CONFIG" |
        kind create cluster --name "$NAME" $${IMAGE:+--image "$IMAGE"} --config - --kubeconfig "$FILE" --wait 5m || undo
      rm -f "$FILE.making"
    SH
    environment = { NAME = self.output.name, IMAGE = self.output.image, CONFIG = self.output.config, FILE = self.output.kubeconfig }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "kind delete cluster --name \"$NAME\" --kubeconfig \"$FILE\" && rm -f \"$FILE\" \"$FILE.lock\" \"$FILE.making\""
    environment = { NAME = self.output.name, FILE = self.output.kubeconfig }
  }

  lifecycle {
    # A cluster is not made anew because a setting of it has changed.
    ignore_changes = [input]
  }
}

output "kubeconfig" {
  description = "How to reach the cluster: the content of a kubeconfig file."
  value       = try(file(terraform_data.cluster.output.kubeconfig), "")
  sensitive   = true
}
