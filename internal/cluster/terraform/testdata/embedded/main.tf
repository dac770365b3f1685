# Makes a cluster with a program, as a module for kind or k3d would.
variable "cluster_name" { type = string }
variable "program" { type = string }
variable "root" { type = string }

resource "terraform_data" "cluster" {
  input = {
    program    = var.program
    root       = var.root
    name       = var.cluster_name
    kubeconfig = "${var.root}/${var.cluster_name}.kubeconfig"
  }

  provisioner "local-exec" {
    command     = "\"$PROGRAM\" > \"$ROOT/up.log\" 2>&1"
    environment = { MAKE_CLUSTER = "up", PROGRAM = self.output.program, ROOT = self.output.root, NAME = self.output.name, FILE = self.output.kubeconfig }
  }

  provisioner "local-exec" {
    when        = destroy
    command     = "\"$PROGRAM\" > \"$ROOT/down.log\" 2>&1"
    environment = { MAKE_CLUSTER = "down", PROGRAM = self.output.program, ROOT = self.output.root, NAME = self.output.name, FILE = self.output.kubeconfig }
  }
}

output "kubeconfig" {
  value     = file(terraform_data.cluster.output.kubeconfig)
  sensitive = true
}
