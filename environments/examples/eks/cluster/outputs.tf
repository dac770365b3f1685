output "endpoint" {
  description = "Address of the API."
  value       = module.eks.cluster_endpoint
}

output "ca" {
  description = "Certificate authority of the API, in base64."
  value       = module.eks.cluster_certificate_authority_data
}

output "region" {
  value = var.region
}
